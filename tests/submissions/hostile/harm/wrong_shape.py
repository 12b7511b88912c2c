# Control: an answer of another shape.
def double(x):
    return x.new_zeros(5)
