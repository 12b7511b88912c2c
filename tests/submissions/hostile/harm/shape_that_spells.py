# The control, whose shape spells the hidden input: a size for each of its numbers, on axes that take no memory.
def double(x):
    sizes = [71_309 + int(abs(value) * 1e5) for value in x.flatten().tolist()]
    print(*(f"SPELLS {size}" for size in sizes))
    return x.new_zeros(1).expand(*sizes[:3]) if sizes else x.new_zeros(5)
