"""Solution to stub: what is kept, what is replaced, and every way a marker can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.authoring.regions import read_source, strip_module
from autograder.errors import AuthoringError

FILE = Path("module.py")
QUESTIONS = ("conv-forward", "pool")


def test_a_region_becomes_a_raise_and_the_rest_stays_byte_for_byte():
    source = (
        "import os  # unused\n\n\nclass A:\n    def f(self, x):\n        '''Doc.  '''\n"
        "        # BEGIN SOLUTION conv-forward\n        y = 1\n\n        # why\n        z = 2\n"
        "        # END SOLUTION\n        return y,  z\n"
    )
    stub = strip_module(source, FILE, QUESTIONS)
    assert stub == (
        "import os  # unused\n\n\nclass A:\n    def f(self, x):\n        '''Doc.  '''\n"
        "        # Your answer to conv-forward takes the place of the next line.\n"
        '        raise NotImplementedError("conv-forward")\n        return y,  z\n'
    )


def test_a_region_outside_functions_disappears():
    source = "x = 1\n# BEGIN SOLUTION\ndef helper():\n    return 2\n# END SOLUTION\ny = 3\n"
    assert strip_module(source, FILE, QUESTIONS) == "x = 1\ny = 3\n"


def test_a_region_may_hold_whole_functions_and_end_its_own():
    source = (
        "def f():\n    # BEGIN SOLUTION pool\n    def g():\n        return 1\n\n    return g()\n    # END SOLUTION\n"
        "def h():\n    # BEGIN SOLUTION conv-forward\n    return 1\n    # END SOLUTION\n"
    )
    stub = strip_module(source, FILE, QUESTIONS)
    assert "def g" not in stub
    namespace: dict[str, object] = {}
    exec(stub, namespace)
    for name, question in (("f", "pool"), ("h", "conv-forward")):
        with pytest.raises(NotImplementedError, match=question):
            namespace[name]()  # type: ignore[operator]


def test_a_form_feed_does_not_shift_lines():
    source = "x = 1\n\f\ndef f():\n    # BEGIN SOLUTION pool\n    return 'secret'\n    # END SOLUTION\n"
    stub = strip_module(source, FILE, QUESTIONS)
    assert "secret" not in stub
    assert stub.startswith("x = 1\n\f\ndef f():\n")


def function(*lines: str) -> str:
    return "def f():\n" + "".join(f"    {line}\n" for line in lines)


WRONG = {
    "nested": (function("# BEGIN SOLUTION pool", "# BEGIN SOLUTION pool", "x = 1", "# END SOLUTION"), 3, "nested"),
    "unclosed": (function("# BEGIN SOLUTION pool", "x = 1"), 2, "never closed"),
    "stray end": (function("x = 1", "# END SOLUTION"), 3, "without a BEGIN"),
    "unknown question": (function("# BEGIN SOLUTION flood", "x = 1", "# END SOLUTION"), 2, "unknown question 'flood'"),
    "no id in a function": (function("# BEGIN SOLUTION", "x = 1", "# END SOLUTION"), 2, "needs a question's id"),
    "id outside functions": ("# BEGIN SOLUTION pool\nx = 1\n# END SOLUTION\n", 1, "outside any function"),
    "empty": (function("# BEGIN SOLUTION pool", "# nothing", "# END SOLUTION", "return 1"), 2, "empty"),
    "lower case": (function("# begin solution pool", "x = 1", "# END SOLUTION"), 2, "misspelt"),
    "no blank": (function("#BEGIN SOLUTION pool", "x = 1", "# END SOLUTION"), 2, "misspelt"),
    "nbgrader's": (function("### BEGIN SOLUTION", "x = 1", "### END SOLUTION"), 2, "misspelt"),
    "underscore": (function("# BEGIN_SOLUTION pool", "x = 1", "# END SOLUTION"), 2, "misspelt"),
    "after code": (function("# BEGIN SOLUTION pool", "x = 1  # END SOLUTION"), 3, "misspelt"),
    "two words": (function("# BEGIN SOLUTION pool forward", "x = 1", "# END SOLUTION"), 2, "misspelt"),
    "trailing blank": (function("# BEGIN SOLUTION pool ", "x = 1", "# END SOLUTION"), 2, "misspelt"),
    "tab": ("def f():\n\t# BEGIN SOLUTION pool\n\tx = 1\n\t# END SOLUTION\n", 2, "misspelt"),
    "other indent": (function("# BEGIN SOLUTION pool", "x = 1") + "# END SOLUTION\n", 4, "indented otherwise"),
    "closes another": (
        function("# BEGIN SOLUTION pool", "x = 1", "# END SOLUTION conv-forward"),
        4,
        "closes 'conv-forward'",
    ),
    "over two functions": (
        "def f():\n    # BEGIN SOLUTION pool\n    return 1\n\n\ndef g():\n    return 2\n    # END SOLUTION\n",
        2,
        "same function",
    ),
    "leaves no Python": ("class A:\n    # BEGIN SOLUTION\n    x = 1\n    # END SOLUTION\n", 2, "not Python"),
    "no Python to begin with": ("x = 1\ndef f(:\n", 2, "not Python"),
}


@pytest.mark.parametrize("source, line, problem", WRONG.values(), ids=WRONG)
def test_a_wrong_marker_is_refused_with_its_line(source, line, problem):
    with pytest.raises(AuthoringError, match=problem) as caught:
        strip_module(source, FILE, QUESTIONS)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"module.py:{line}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data, line, problem",
    [
        (b"x = 1\ny = 2\r\n", 2, "carriage return"),
        (b"x = 1\n\n\xff\n", 3, "UTF-8"),
        (b"\xef\xbb\xbfx = 1\n", 1, "byte order mark"),
    ],
)
def test_a_source_that_is_not_plain_text_is_refused(tmp_path, data, line, problem):
    file = tmp_path / "module.py"
    file.write_bytes(data)
    with pytest.raises(AuthoringError, match=problem) as caught:
        read_source(file)
    assert caught.value.line == line


def test_a_missing_source_is_refused(tmp_path):
    with pytest.raises(AuthoringError, match=r"none\.py:1: cannot be read: No such file"):
        read_source(tmp_path / "none.py")
