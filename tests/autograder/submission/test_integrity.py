"""What of a submission is run, and how the report tells it from what was handed out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from autograder.course.integrity import Integrity, ModuleIntegrity, Place
from autograder.course.model import Assignment, Question
from autograder.course.plain import from_plain
from autograder.errors import UsageError
from autograder.submission.clean.prepare import MAX_PLACES, CleanCopy, Prepared, as_handed_in, prepare
from autograder.submission.receive.inbox import Inbox

from .samples import Zip

CLEAN = '''\
"""Layers."""

import torch

from common import SCALE


class Layer:
    @staticmethod
    def forward(x):
        raise NotImplementedError("layer")


class Given:
    """Is given."""

    @staticmethod
    def forward(x):
        return SCALE * x


def helper(x):
    raise NotImplementedError("helper")
'''
ANSWERS = (
    ('raise NotImplementedError("layer")', "return Given.forward(x)  # by the given one"),
    ('raise NotImplementedError("helper")', "y = 2 * x\n    return y"),
)
EDITED = ("return SCALE * x", "return 0 * x")
LIBRARY = {"common/__init__.py": b"SCALE = 2\n", "common/data.py": b"X = 1\n"}

Received = Callable[..., Prepared]


def cell(kind: str, source: str, id: str, **more: object) -> dict[str, object]:
    rest = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": id, "metadata": {}, "source": source, **rest, **more}


def notebook(*cells: dict[str, object]) -> bytes:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


CELLS = (
    cell("markdown", "# Layers", "title"),
    cell("code", "import torch", "imports"),
    cell("markdown", "Why?", "question"),
    cell("markdown", "*Your answer*", "answer", metadata={"tags": ["answer"]}),
    cell("code", "print(1)", "last"),
)


def written(*changes: tuple[str, str], text: str = CLEAN) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


@pytest.fixture
def course(assignment: Assignment) -> Assignment:
    return replace(
        assignment,
        questions=(
            Question("layer", "L", 5, "Layer", "two_layers"),
            Question("helper", "H", 5, "helper", "two_layers"),
        ),
    )


@pytest.fixture
def received(course: Assignment, make_zip: Zip) -> Received:
    """A submission with this module and these other files, held against the clean copy."""

    def receive(source: str | bytes, files: Mapping[str, bytes] = MappingProxyType({})) -> Prepared:
        clean = {"two_layers.py": CLEAN.encode(), "two_layers.ipynb": notebook(*CELLS), **LIBRARY}
        data = source if isinstance(source, bytes) else source.encode()
        path = make_zip({"two_layers.py": data, **files})
        submission = Inbox(course, {"s": path}, clean).receive("s")
        return prepare(submission, CleanCopy.read(clean, course), course)

    return receive


def report(prepared: Prepared) -> Integrity:
    assert prepared.integrity is not None
    assert from_plain(json.loads(json.dumps(prepared.integrity.to_json())), Integrity) == prepared.integrity
    return prepared.integrity


def module_of(prepared: Prepared) -> ModuleIntegrity:
    return report(prepared).modules["two_layers.py"]


def test_honest_work_is_run_byte_for_byte(received: Received) -> None:
    source = "# mine\r\n" + written(*ANSWERS) + "\n\ndef own(x):\n    return x\n"
    prepared = received(source)
    assert prepared.files["two_layers.py"] == source.encode()
    assert prepared.lines == {}
    assert prepared.notes == ()
    module = module_of(prepared)
    assert not module.carried
    assert [place.name for place in module.kept] == ["Layer.forward", "helper"]
    assert module.added == (Place("own", 28),)
    assert (module.restored, module.missing, module.trouble) == ((), (), "")


def test_edited_given_code_is_put_back_and_lines_are_still_the_students(received: Received) -> None:
    source = written(*ANSWERS, EDITED, ('"""Is given."""', '"""Is given."""\n    size = 3  # my own\n'))
    prepared = received(source)
    run = prepared.files["two_layers.py"].decode()
    assert "return SCALE * x" in run
    assert "0 * x" not in run
    assert "# by the given one" in run
    lines = run.split("\n")
    theirs = source.split("\n")
    for wanted in ("y = 2 * x", "return Given.forward(x)  # by the given one", "size = 3  # my own"):
        at = next(number for number, line in enumerate(lines, start=1) if wanted in line)
        assert wanted in theirs[prepared.line("two_layers.py", at) - 1]
    given = next(number for number, line in enumerate(lines, start=1) if "return SCALE" in line)
    assert prepared.line("two_layers.py", given) == 0
    module = module_of(prepared)
    assert module.carried
    assert module.restored == (Place("Given.forward", source[: source.index("return 0")].count("\n")),)


def test_what_is_missing_is_as_it_was_handed_out(received: Received) -> None:
    prepared = received(CLEAN[: CLEAN.index("def helper")])
    assert 'NotImplementedError("helper")' in prepared.files["two_layers.py"].decode()
    assert module_of(prepared).missing == (Place("helper"),)


@pytest.mark.parametrize(
    "spoil",
    [
        "Given.forward = staticmethod(lambda x: x)",
        "setattr(Given, 'forward', staticmethod(lambda x: x))",
        "from mine import Given",
        "class Given:\n    forward = None",
        "Ｇiven = None",  # read by Python as Given
        "for Given in [None]:\n    pass",
        "with open('x') as Given:\n    pass",
        "del Given",
        "Given: object = None",
        "(Given := None)",
        "match 1:\n    case Given:\n        pass",
        "def __getattr__(name):\n    return 1\n\nGiven, other = None, 1",
    ],
)
def test_given_code_by_another_name_or_way(received: Received, spoil: str) -> None:
    prepared = received(f"{written(*ANSWERS)}\n\n{spoil}\n")
    assert {place.name.split(" ")[0].split(".")[0] for place in module_of(prepared).restored} == {"Given"}
    run = prepared.files["two_layers.py"].decode()
    assert spoil.split("\n")[-1] not in run
    assert "return SCALE * x" in run


def test_everything_of_another_module_comes_before_what_is_given(received: Received) -> None:
    prepared = received(f"{written(*ANSWERS)}\nfrom mine import *\n", {"mine.py": b"class Given: pass\n"})
    run = prepared.files["two_layers.py"].decode()
    assert run.index("from mine import *") < run.index("from common import SCALE") < run.index("class Given")
    assert module_of(prepared).restored == (Place("from mine import * (moved to the top)", 26),)
    assert not module_of(received(f"from math import *\n{written(*ANSWERS)}")).restored


def test_forged_markers_say_nothing(received: Received) -> None:
    forged = (
        "        return SCALE * x\n",
        "        # BEGIN SOLUTION layer\n        return 0\n        # END SOLUTION layer\n",
    )
    prepared = received(written(*ANSWERS, forged))
    assert module_of(prepared).restored[0].name == "Given.forward"
    assert "return SCALE * x" in prepared.files["two_layers.py"].decode()


@pytest.mark.parametrize(
    "source", [b"def helper(x:\n", b"x = 1\x00y", b"\xff\xfex", b"x = " + b"+".join([b"1"] * 40_000)]
)
def test_what_cannot_be_parsed_is_run_as_it_is_and_said(received: Received, source: bytes) -> None:
    prepared = received(source)
    assert prepared.files["two_layers.py"] == source
    assert module_of(prepared).trouble
    assert prepared.notes[0].startswith("two_layers.py was run as it is")


def test_an_encoding_that_was_declared_is_not_carried(received: Received) -> None:
    source = "# -*- coding: cp949 -*-\nimport math  # 수학\n" + written(*ANSWERS, EDITED).replace('"""Layers."""\n', "")
    prepared = received(source.encode("cp949"))
    run = prepared.files["two_layers.py"]
    assert "import math  # 수학" in run.decode()
    compile(run, "two_layers.py", "exec")
    assert b"coding" not in run


def test_many_additions_are_bounded(received: Received) -> None:
    own = "".join(f"def own_{number}(): pass\n" for number in range(MAX_PLACES + 50))
    added = module_of(received(f"{written(*ANSWERS)}\n{own}")).added
    assert len(added) == MAX_PLACES
    assert added[-1] == Place("and 51 more")


def test_long_names_are_cut(received: Received) -> None:
    (place,) = module_of(received(f"{written(*ANSWERS)}\n\ndef {'x' * 5000}(): pass\n")).added
    assert len(place.name) < 100


def test_given_files(received: Received) -> None:
    alone = report(received(written(*ANSWERS)))
    assert (alone.supplied, alone.edited) == (("common/",), ())
    other = report(received(written(*ANSWERS), {"common/__init__.py": b"SCALE = 3\n"}))
    assert (other.supplied, other.edited) == (("common/data.py",), ("common/__init__.py",))


def test_imports_that_only_a_notebook_needs(received: Received) -> None:
    first = "from google.colab import drive\nimport torchvision.transforms as T, math\nimport my_helper\n"
    tried = "try:\n    import cv2\nexcept ImportError:\n    cv2 = None\n"
    prepared = received(f"{first}{tried}{written(*ANSWERS)}")
    assert prepared.stand_ins == {"google.colab", "torchvision", "./my_helper"}
    assert report(prepared).stand_ins == ("google.colab", "torchvision")
    assert [note for note in prepared.notes if "my_helper" in note] == [
        "my_helper is imported, and was not handed in (two_layers.py, line 3)"
    ]
    assert len(prepared.notes) == 3
    assert received(f"{first}{written(*ANSWERS)}", {"my_helper.py": b"", "torchvision.py": b""}).stand_ins == {
        "google.colab",
        "./torchvision.transforms",
    }


def test_imports_inside_other_statements(received: Received) -> None:
    source = (
        "for each in (1,):\n    import torchvision\nmatch 1:\n    case 1:\n        import seaborn\n"
        "try:\n    import my_one\nexcept (ValueError, KeyError):\n    pass\nfinally:\n    import my_two\n"
        "try:\n    import cv2\nexcept (ValueError, ImportError):\n    import my_three\n"
        "while False:\n    pass\nelse:\n    import my_four\ndef later():\n    import my_five\n"
    )
    prepared = received(f"{source}{written(*ANSWERS)}")
    assert prepared.stand_ins == {"torchvision", "seaborn", "./my_one", "./my_two", "./my_four"}


def test_names_that_the_given_library_does_not_have(received: Received) -> None:
    first = (
        "from common import SCALE, OLD\nfrom common.data import X\nfrom common import data\nfrom common.old import Y\n"
    )
    prepared = received(f"{first}{written(*ANSWERS)}")
    lacking = "is imported from common, which has no such name (two_layers.py, line"
    assert prepared.notes == (f"old {lacking} 4)", f"OLD {lacking} 1)")
    assert prepared.stand_ins == {"common:OLD", "common:old"}


def test_what_helpers_import_and_is_not_here_has_a_stand_in_too(received: Received) -> None:
    helpers = {
        "pictures.py": b"import torchvision\nfrom .near import x\n",
        "kit/__init__.py": b"",
        "kit/one.py": b"from kit.two import y\nfrom .three import z\nfrom . import four\nimport kit.one\n",
        "broken.py": b"import nowhere (\n",
    }
    prepared = received(f"import pictures, kit\n{written(*ANSWERS)}", helpers)
    assert prepared.stand_ins == {"torchvision", "./kit.two", "./kit.three"}
    assert "kit.two is imported, and was not handed in (kit/one.py, line 1)" in prepared.notes


def test_notebook_cells(received: Received) -> None:
    changed = {**CELLS[1], "source": "import torch as t", "execution_count": 2}
    answer = {**CELLS[3], "source": "Because."}
    own = cell("code", "x = 1", "mine", execution_count=1)
    found = report(
        received(written(*ANSWERS), {"two_layers.ipynb": notebook(CELLS[2], answer, CELLS[0], changed, own)})
    )
    (theirs,) = found.notebooks.values()
    assert theirs.answered == (Place("Why?", 2),)
    assert theirs.added == (Place("x = 1", 5),)
    assert theirs.changed == (Place("import torch as t", 4),)
    assert theirs.removed == (Place("print(1)"),)
    assert len(theirs.moved) == 2
    assert (theirs.not_run, theirs.out_of_turn) == (0, 2)


def test_another_notebook_is_not_held_against_ours(received: Received) -> None:
    other = notebook(*(cell("code", f"step({number})", f"c{number}") for number in range(9)))
    found = report(received(written(*ANSWERS), {"two_layers.ipynb": other})).notebooks["two_layers.ipynb"]
    assert found.foreign
    assert (found.removed, found.added, found.not_run) == ((), (), 9)


def test_a_notebook_that_is_none(received: Received) -> None:
    found = report(received(written(*ANSWERS), {"two_layers.ipynb": b"{"})).notebooks["two_layers.ipynb"]
    assert found.trouble == "not JSON"
    assert report(received(written(*ANSWERS))).notebooks == {}


def test_without_a_clean_copy_nothing_is_said(course: Assignment, make_zip: Zip) -> None:
    submission = Inbox(course, {"s": make_zip({"two_layers.py": CLEAN.encode()})}).receive("s")
    prepared = prepare(submission, CleanCopy.read({}, course), course)
    assert prepared.integrity is None
    assert "two_layers.py" in prepared.trees
    assert as_handed_in(submission).files == prepared.files == submission.files


@pytest.mark.parametrize(
    "files", [{"README.md": b""}, {"two_layers.py": b"def ("}, {"two_layers.py": b"", "two_layers.ipynb": b"{"}]
)
def test_a_broken_handout_is_our_own_fault(course: Assignment, files: dict[str, bytes]) -> None:
    with pytest.raises(UsageError, match="the handout"):
        CleanCopy.read(files, course)
