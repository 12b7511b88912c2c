"""A student's answers on a clean copy: what is kept, added, restored and missing, case by case."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autograder.course.layout import Course
from autograder.course.model import Assignment, Question
from autograder.submission.clean.module import CarriedModule, CleanModule, NotPython, Source, carry_module
from autograder.submission.source.parse import parse

CLEAN = '''\
"""Layers."""

import torch

from common import SCALE

__all__ = ["Given", "Layer", "helper"]
LIMIT = 3


class Layer:
    """A layer."""

    @staticmethod
    def forward(x):
        """Double x."""
        # Your answer to layer takes the place of the next line.
        raise NotImplementedError("layer")
        return out

    def save(self, path):
        torch.save({}, path)


# ---- a question ----


def helper(x):
    # Your answer to helper takes the place of the next line.
    raise NotImplementedError("helper")


# ---- given ----


class Given:
    """Is given."""

    @staticmethod
    def forward(x):
        return SCALE * x
'''

ANSWER = """\
    @staticmethod
    def forward(x):
        out = x + x  # twice
        return out
"""
STUB = """\
    @staticmethod
    def forward(x):
        \"\"\"Double x.\"\"\"
        # Your answer to layer takes the place of the next line.
        raise NotImplementedError("layer")
        return out
"""


@pytest.fixture
def course(assignment: Assignment) -> Assignment:
    return replace(
        assignment,
        questions=(
            Question("layer", "L", 5, "Layer", "two_layers"),
            Question("helper", "H", 5, "helper", "two_layers"),
        ),
    )


def edit(*changes: tuple[str, str], text: str = CLEAN) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def carry(clean: str, student: bytes, assignment: Assignment) -> CarriedModule:
    """The answers on the clean copy, which is known to compile; every line of it is where its number says."""
    theirs, ours = Source.decode(student), CleanModule.read(clean.encode(), assignment.questions)
    carried = carry_module(ours, theirs)
    carried.parsed()
    for line, number in zip(carried.source.split("\n"), carried.lines, strict=True):
        written = theirs.lines[number - 1] if number > 0 else ours.source.lines[-number - 1]
        assert line.strip() in ("", "pass", written.strip()) or line.startswith(("from ", "import "))
    return carried


def names(carried: CarriedModule, kind: str, student: str) -> list[str]:
    """`name: its line in the student's file`."""
    lines = ["", *student.split("\n")]
    return [f"{part.name}: {lines[part.line].strip()}" for part in getattr(carried, kind)]


def test_the_clean_copy_itself(course: Assignment) -> None:
    carried = carry(CLEAN, CLEAN.encode(), course)
    assert carried.source == CLEAN
    assert [part.name for part in carried.untouched] == ["Layer.forward", "helper"]
    assert [carried.kept, carried.missing, carried.added, carried.restored] == [()] * 4


COURSE = Course.find(Path(__file__))
REFERENCES = [(name, component.module) for name in COURSE.names() for component in COURSE.assignment(name).components]


@pytest.mark.parametrize("name, module", REFERENCES)
def test_every_reference_carries_to_itself(name: str, module: str) -> None:
    whole = COURSE.assignment(name)
    assignment = replace(whole, questions=tuple(whole.questions_in(module)))
    clean = (COURSE.handout(assignment) / f"{module}.py").read_text()
    solution = (COURSE.solution(assignment) / f"{module}.py").read_bytes()
    carried = carry(clean, solution, assignment)
    # A stub keeps the blank lines around two regions that follow each other: three, where the reference has two.
    assert re.sub("\n{4,}", "\n\n\n", carried.source) == solution.decode()
    assert carried.kept
    assert [carried.untouched, carried.missing, carried.restored] == [()] * 3
    # A helper of the reference stands in its solution and in no stub: it is added, as a student's own helper is.
    assert all(part.name not in clean for part in carried.added)


def carried_lines(carried: CarriedModule) -> list[tuple[str, int]]:
    return list(zip(carried.source.split("\n"), carried.lines, strict=True))


HELPER = """\
# BEGIN SOLUTION
def double(x):
    return x + x


# END SOLUTION
"""


@pytest.mark.parametrize(
    "below",
    [
        "    def save(self, path):",
        "def helper(x):",
        "class Given:",
        "    @staticmethod\n    def forward(x):\n        return",
    ],
)
@pytest.mark.parametrize("apart", ["", "\n\n"], ids=["right-above", "blank-lines"])
def test_an_addition_keeps_the_comments_below_it(course: Assignment, below: str, apart: str) -> None:
    indent = below[: len(below) - len(below.lstrip())]
    added = "".join(f"{indent}{line}\n" if line else "\n" for line in HELPER.rstrip().split("\n"))
    student = edit((STUB, ANSWER), (below, f"{added}{apart}{below}"))
    carried = carry(CLEAN, student.encode(), course)
    own = [line.strip() for line in HELPER.split("\n") if line]
    assert [line.strip() for line, number in carried_lines(carried) if number > 0 and line.strip() in own] == own


@pytest.mark.parametrize("indent", ["", "    "], ids=["module", "class"])
def test_an_addition_at_the_end_keeps_the_comments_below_it(course: Assignment, indent: str) -> None:
    added = "".join(f"{indent}{line}\n" if line else "\n" for line in HELPER.rstrip().split("\n"))
    end = "        torch.save({}, path)\n"
    student = edit((STUB, ANSWER), (end, f"{end}\n{added}")) if indent else f"{edit((STUB, ANSWER))}\n\n{added}"
    assert carry(CLEAN, student.encode(), course).source.rstrip("\n") == student.rstrip("\n")


def test_an_answer_keeps_its_comments(course: Assignment) -> None:
    own = ANSWER.replace("    @", "    # Why: doubling is adding.\n    @") + "        # out keeps the dtype\n"
    student = edit((STUB, own))
    carried = carry(CLEAN, student.encode(), course)
    assert carried.source == student
    assert names(carried, "kept", student) == ["Layer.forward: def forward(x):"]
    assert names(carried, "untouched", student) == ["helper: def helper(x):"]


def test_given_code_that_was_edited_is_restored(course: Assignment) -> None:
    student = edit((STUB, ANSWER), ("return SCALE * x", "return 0 * x"), ("LIMIT = 3", "LIMIT = 4"))
    carried = carry(CLEAN, student.encode(), course)
    assert carried.source == edit((STUB, ANSWER))
    assert names(carried, "restored", student) == ["LIMIT = 3: LIMIT = 4", "Given.forward: def forward(x):"]
    assert str(carried.restored[1]) == f"Given.forward, line {student.count(chr(10)) - 1}"


def test_layout_comments_and_docstrings_of_given_code_are_no_edits(course: Assignment) -> None:
    student = edit(("return SCALE * x", "# hm\n        return (SCALE\n            * x)"), ("Is given.", "Ours."))
    carried = carry(CLEAN, student.encode(), course)
    assert carried.source == CLEAN
    assert not carried.restored


def test_what_was_added_stands_where_it_stood(course: Assignment) -> None:
    student = edit(
        ("import torch\n", "import math\nimport torch\nimport os\n"),
        ("LIMIT = 3\n", "LIMIT = 3\n# twice\nTWO = 2\n\n\ndef twice(x):\n    return TWO * x\n"),
        (STUB, STUB.replace('raise NotImplementedError("layer")', "out = twice(x)") + "\n    depth = math.pi\n"),
    )
    carried = carry(CLEAN, student.encode(), course)
    assert carried.source == student
    assert names(carried, "added", student) == [
        "import math: import math",
        "import os: import os",
        "TWO = 2: TWO = 2",
        "twice: def twice(x):",
        "Layer.depth = math.pi: depth = math.pi",
    ]


def test_methods_and_functions_added_at_the_end_stay_apart(course: Assignment) -> None:
    student = CLEAN + "\n    @staticmethod\n    def more(x):\n        return x\n\n\ndef last():\n    return 1\n"
    carried = carry(CLEAN, student.encode(), course)
    assert carried.source == student
    assert names(carried, "added", student) == ["Given.more: def more(x):", "last: def last():"]


@pytest.mark.parametrize(
    "spoil, reported",
    [
        ("Given = None\n", "Given"),
        ("Given.forward = lambda x: x\n", "Given.forward"),
        ("setattr(Given, 'forward', print)\n", "Given.forward"),
        ("Layer.save = None\n", "Layer.save"),
        ("from elsewhere import SCALE\n", "SCALE"),
        ("torch = None\n", "torch"),
        ("def SCALE():\n    return 1\n", "SCALE"),
        ("if True:\n    class Given:\n        pass\n", "Given"),
        ("__all__ += ['x']\n", "__all__"),
        ("LIMIT: int = 9\n", "LIMIT"),
        ("[Given := each for each in (None,)]\n", "Given"),
        ("def own(x=(Given := None)):\n    return x\n", "Given"),
        ("try:\n    torch.no()\nexcept AttributeError as Given:\n    pass\n", "Given"),
    ],
)
def test_given_names_keep_their_meaning(course: Assignment, spoil: str, reported: str) -> None:
    carried = carry(CLEAN, (CLEAN + "\n\n" + spoil).encode(), course)
    assert carried.source == CLEAN
    assert len(carried.restored) == 1
    assert carried.restored[0].name.startswith(reported)
    assert not carried.added


def test_of_an_import_that_redefines_given_names_the_others_are_taken(course: Assignment) -> None:
    student = edit(("from common import SCALE\n", "from common import SCALE\nfrom mine import SCALE, three\n"))
    carried = carry(CLEAN, student.encode(), course)
    assert carried.source == edit(("from common import SCALE\n", "from common import SCALE\nfrom mine import three\n"))
    assert [part.name for part in carried.restored] == ["SCALE (given another meaning)"]


def test_a_longer_import_is_taken_whole(course: Assignment) -> None:
    student = edit(("from common import SCALE\n", "from common import SCALE, three  # mine\n"))
    carried = carry(CLEAN, student.encode(), course)
    assert "from common import SCALE, three  # mine\n" in carried.source
    assert not carried.restored


@pytest.mark.parametrize(
    "answer", ["helper = lambda x: x + x\n", "from mine import helper\n", "class helper:\n    pass\n"]
)
def test_an_answer_that_is_no_function(course: Assignment, answer: str) -> None:
    start, end = CLEAN.index("def helper"), CLEAN.index("# ---- given")
    student = CLEAN[:start] + answer + "\n\n" + CLEAN[end:]
    carried = carry(CLEAN, student.encode(), course)
    assert carried.source == student
    assert [part.name for part in carried.kept] == ["helper"]


def test_all_versions_of_an_answer_are_taken(course: Assignment) -> None:
    start = CLEAN.index("def helper")
    student = CLEAN[:start] + "def helper(x):\n    return 1\n\n\n" + CLEAN[start:].replace("raise Not", "return Not", 1)
    carried = carry(CLEAN, student.encode(), course)
    assert carried.source.count("def helper(x)") == 2
    scope: dict[str, object] = {}
    exec(carried.source.replace("from common import SCALE", ""), scope)
    assert isinstance(scope["helper"](1), NotImplementedError)  # type: ignore[operator]


def ran(source: str) -> dict[str, Any]:
    scope: dict[str, Any] = {"__name__": "layers"}
    exec(source.replace("from common import SCALE", "SCALE = 2"), scope)
    return scope


WAYS = {
    "a star import": "from mine import *\n{rest}",
    "two at once": "from mine import Layer, helper\n{rest}",
    "a tuple": "import mine\n{rest}\nLayer, helper = mine.Layer, mine.helper\n",
    "aliases at the end": "{rest}\nimport mine\nLayer = mine.Layer\nhelper = mine.helper\n",
    "under a condition": "import mine\nif 1:\n    class Layer(mine.Layer): pass\n    def helper(x): return 8\n{rest}",
    "bases": "from mine import Layer as Base, helper\nclass Layer(Base):\n    pass\n{rest}",
    "a base of the same name": "{own}\n\nclass Layer(Layer):\n    pass\n{rest}\ndef helper(x): return 2 * x\n",
    "changed afterwards": "{own}\ndef late(f): return f\ndef helper(x): pass\n{rest}\nhelper = late(lambda x: 8)\n",
    "a decorator in brackets": "{own}\ndef same(f): return f\n@(\n    same\n)\ndef helper(x): return 2 * x\n{rest}",
    "two statements on one line": "{own}\ntwo = 2; \\\nthree = 3\ndef helper(x): return two * x\n{rest}",
    "a path first": "import sys\nsys.path.append('mine')\n{own}\ndef helper(x): return 2 * x\n{rest}",
    "imports for types": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import mine\n"
    "{own}\ndef helper(x): return 2 * x\n{rest}",
    "tabs": "class Layer:\n\t@staticmethod\n\tdef forward(x):\n\t\tif x:\n\t\t    return x + x\n"
    "{rest}\ndef helper(x): return 2 * x\n",
}


@pytest.mark.parametrize("way", WAYS)
def test_answers_run_as_they_did_in_the_students_own_file(
    course: Assignment, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The given class was edited, so the clean copy is run; each of these once lost an answer, or did not import."""
    mine = ModuleType("mine")
    exec("class Layer:\n    forward = staticmethod(lambda x: 2 * x)\n\ndef helper(x): return 2 * x\n", vars(mine))
    monkeypatch.setitem(sys.modules, "mine", mine)
    rest = "\nimport torch\nfrom common import SCALE\nLIMIT = 4\n\nclass Given:\n    forward = None\n"
    student = WAYS[way].format(rest=rest, own=f"class Layer:\n{ANSWER}")
    assert ran(student)["helper"](4) == 8
    carried = carry(CLEAN, student.encode(), course)
    scope = ran(carried.source)
    assert [scope["Layer"].forward(4), scope["helper"](4), scope["Given"].forward(4)] == [8, 8, 8]
    assert not carried.missing
    assert {part.name.partition(".")[0] for part in carried.kept} == {"Layer", "helper"}


def test_what_needs_the_students_own_order_is_refused(course: Assignment) -> None:
    """Run as it is, with a note: the clean copy has the class above what the student wrote as its base."""
    start, end = CLEAN.index("class Layer"), CLEAN.index("# ---- a question")
    own = "\n\nclass Base:\n    pass\n\n\n" + CLEAN[start:end].replace("class Layer:", "class Layer(Base):")
    with pytest.raises(NotPython, match="Base would be used before its definition"):
        carry(CLEAN, (CLEAN[:start] + CLEAN[end:] + own).encode(), course)


def test_what_is_missing_comes_back(course: Assignment) -> None:
    student = "import torch\n\n\ndef helper(x):\n    return 2 * x\n"
    carried = carry(CLEAN, student.encode(), course)
    assert [part.name for part in carried.kept] == ["helper"]
    assert [part.name for part in carried.missing] == ["Layer"]
    assert {part.name for part in carried.restored} == {
        '__all__ = ["Given", "Layer", "helper"] (removed)',
        "LIMIT = 3 (removed)",
        "Given (removed)",
    }
    assert "class Given:" in carried.source
    assert "return 2 * x" in carried.source


def test_another_order_is_put_right(course: Assignment) -> None:
    start, end = CLEAN.index("class Layer"), CLEAN.index("# ---- a question")
    own = CLEAN[start:end].replace(STUB, ANSWER)
    carried = carry(CLEAN, (CLEAN[:start] + CLEAN[end:] + "\n\n" + own).encode(), course)
    assert carried.source == edit((STUB, ANSWER))


@pytest.mark.parametrize("indent", ["  ", "\t"])
def test_another_indentation_fits(course: Assignment, indent: str) -> None:
    start, end = CLEAN.index("class Layer"), CLEAN.index("# ---- a question")
    own = CLEAN[start:end].replace(STUB, ANSWER).replace("x + x", 'x + x + len("""\n    four""") - 9')
    own = own.replace("    ", indent).replace(f"\n{indent}four", "\n    four")
    carried = carry(CLEAN, (CLEAN[:start] + own + CLEAN[end:]).encode(), course)
    scope: dict[str, object] = {}
    exec(carried.source.replace("from common import SCALE", ""), scope)
    assert scope["Layer"].forward(4) == 8  # type: ignore[attr-defined]
    assert not carried.restored


def test_the_header_of_a_class_with_answers_is_the_students(course: Assignment) -> None:
    student = edit(("class Layer:", "class Layer(Base):"), ("class Given:", "class Given(Base):"))
    carried = carry(CLEAN, student.encode(), course)
    assert carried.source == edit(("class Layer:", "class Layer(Base):"))
    assert [part.name for part in carried.restored] == ["Given (its first line)"]


def test_a_given_class_gets_no_new_special_method(course: Assignment) -> None:
    student = CLEAN + "\n    def __call__(self):\n        return 1\n"
    carried = carry(CLEAN, student.encode(), course)
    assert carried.source == CLEAN
    assert len(carried.restored) == 1


def test_imports_from_the_future_come_first(course: Assignment) -> None:
    student = edit(('"""Layers."""\n', '"""Mine."""\nfrom __future__ import annotations\n'))
    carried = carry(CLEAN, student.encode(), course)
    assert carried.source.startswith('"""Layers."""\nfrom __future__ import annotations\n')
    compile(carried.source, "m", "exec")


@pytest.mark.parametrize("ending", [b"\r\n", b"\r"])
def test_line_endings_and_byte_order_marks(course: Assignment, ending: bytes) -> None:
    data = b"\xef\xbb\xbf" + CLEAN.encode().replace(b"\n", ending)
    assert carry(CLEAN, data, course).source == CLEAN


def test_korean_comments_in_a_declared_encoding(course: Assignment) -> None:
    student = "# -*- coding: cp949 -*-\n" + edit(("    # Your answer to helper", "    # 두 배\n    # Your answer"))
    student = student.replace('raise NotImplementedError("helper")', "return 2 * x")
    assert "# 두 배" in carry(CLEAN, student.encode("cp949"), course).source


@pytest.mark.parametrize("encoding", ["punycode", "undefined", "idna", "nobodys", "utf-7"])
def test_an_encoding_of_no_use_costs_no_time_and_no_run(course: Assignment, encoding: str) -> None:
    """Python's own decoder takes minutes for the first of these, and the second raises what no other does."""
    source = f"# coding: {encoding}\n".encode() + b"b" * 250_000 + b"-" + b"b9a0" * 60_000 + b"+2AA-"
    with pytest.raises(NotPython):
        carry(CLEAN, source, course)
    assert parse(source, len(source)) is None


@pytest.mark.parametrize("statement", ["x=1;", "x=1\n", "if x:pass\n", "import os\n"])
def test_more_statements_than_anybody_writes_are_refused(course: Assignment, statement: str) -> None:
    """Looking at each of them would take the grader's own time."""
    source = statement.encode() * 25_000
    with pytest.raises(NotPython, match="more statements"):
        carry(CLEAN, source, course)
    assert parse(source) is None


@pytest.mark.parametrize(
    "source, line",
    [(b"x = (\n", 1), (b"x = 1\n y = 2\n", 2), (b"\xff\xfex", 1), (b"x = 1\x00y", 1)],
)
def test_what_is_not_python_is_refused_with_its_line(course: Assignment, source: bytes, line: int) -> None:
    with pytest.raises(NotPython) as caught:
        carry(CLEAN, source, course)
    assert caught.value.line == line


def test_what_cannot_be_compiled_is_told_apart_from_what_cannot_be_parsed() -> None:
    source = Source("a = 1\nreturn 3\n")
    with pytest.raises(NotPython) as caught:
        source.compile()
    assert caught.value.line == 2


def test_deep_code_is_refused(course: Assignment) -> None:
    with pytest.raises(NotPython):
        carry(CLEAN, b"x = " + b"+".join([b"1"] * 40_000), course)
