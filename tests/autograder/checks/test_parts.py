"""A function that calls another one of the submission is judged alone, whatever that other one does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest
import torch

from autograder.checks import CheckFailed, Proxy, StudentError, assert_matches, judge_by_parts, parts_that_work
from autograder.checks.sides.local import load_module
from autograder.sandbox.local import LocalChannel

X = torch.tensor([1.0, 2.0, 3.0])


def double(x: torch.Tensor) -> torch.Tensor:
    return 2 * x


def next_one(x: torch.Tensor) -> torch.Tensor:
    return x + 1


def squared(x: torch.Tensor) -> torch.Tensor:
    return torch.square(x)


TRUE = {"double": double}
SUBSTITUTES = {"double": next_one}


def check_on(student: Proxy) -> Callable[..., None]:
    """Asks for `total`: the sum of what `double` gives."""

    def check(double: Callable[[torch.Tensor], torch.Tensor]) -> None:
        assert_matches(student.total(X), double(X).sum())

    return check


@pytest.fixture
def handed_in(tmp_path: Path) -> Iterator[Callable[..., Proxy]]:
    """Imports a submission of the files given by name; the first is the module."""

    def handed_in(**files: str) -> Proxy:
        for name, source in files.items():
            (tmp_path / f"{name}.py").write_text("import torch\n" + dedent(source))
        return Proxy(LocalChannel(load_module(tmp_path / f"{next(iter(files))}.py")))

    before = dict(sys.modules)
    yield handed_in
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]


RIGHT_TOTAL = "def total(x):\n    return double(x).sum()\n"
WRONG_DOUBLE = "def double(x):\n    return 3 * x\n"


@pytest.mark.parametrize(
    "double",
    ["def double(x):\n    return 2 * x\n", WRONG_DOUBLE, "def double(x):\n    raise NotImplementedError\n"],
    ids=("right", "wrong", "missing"),
)
def test_right_with_any_part(handed_in: Callable[..., Proxy], double: str) -> None:
    student = handed_in(work=double + RIGHT_TOTAL)
    judge_by_parts(student, check_on(student), TRUE, SUBSTITUTES)


@pytest.mark.parametrize(
    "source",
    [
        "def double(x):\n    return 2 * x\ndef total(x):\n    return double(x).sum() + 1\n",
        # The part that excuses it is not asked.
        "def double(x):\n    return 0 * x\ndef total(x):\n    return x.sum() * 0\n",
        # A total that knows the sum of the true part, and one that knows that of the substitute's.
        "def double(x):\n    return 3 * x\ndef total(x):\n    return 3 * x.sum()\n",
    ],
)
def test_wrong_with_any_part(handed_in: Callable[..., Proxy], source: str) -> None:
    student = handed_in(work=source)
    with pytest.raises(CheckFailed):
        judge_by_parts(student, check_on(student), TRUE, SUBSTITUTES)


def test_what_raises_with_every_part_raises_as_with_the_true_one(handed_in: Callable[..., Proxy]) -> None:
    student = handed_in(work=WRONG_DOUBLE + "def total(x):\n    raise KeyError('total')\n")
    with pytest.raises(StudentError, match="total"):
        judge_by_parts(student, check_on(student), TRUE, SUBSTITUTES)


@pytest.mark.parametrize(
    "files",
    [
        {"work": "from parts import double\n" + RIGHT_TOTAL, "parts": WRONG_DOUBLE},
        {
            "work": "from parts import double as twice\ndef total(x):\n    return twice(x).sum()\n",
            "parts": WRONG_DOUBLE,
        },
        {"work": "import parts\ndef total(x):\n    return parts.double(x).sum()\n", "parts": WRONG_DOUBLE},
        {"work": "from parts import total\n", "parts": WRONG_DOUBLE + RIGHT_TOTAL},
        {"work": "from torch import *\n" + WRONG_DOUBLE + RIGHT_TOTAL},
    ],
    ids=("imported", "renamed", "by-module", "elsewhere", "beside-a-library"),
)
def test_a_part_is_replaced_wherever_the_submission_has_it(
    handed_in: Callable[..., Proxy], files: dict[str, str]
) -> None:
    student = handed_in(**files)
    judge_by_parts(student, check_on(student), TRUE, SUBSTITUTES)


def test_functions_of_libraries_stay(handed_in: Callable[..., Proxy]) -> None:
    student = handed_in(work="from colorsys import rgb_to_hsv as double\ndef total(x):\n    return x.sum()\n")
    before = sys.modules["colorsys"].rgb_to_hsv
    with pytest.raises(CheckFailed):
        judge_by_parts(student, check_on(student), TRUE, SUBSTITUTES)
    assert sys.modules["colorsys"].rgb_to_hsv is before


def test_the_own_functions_come_back(handed_in: Callable[..., Proxy]) -> None:
    student = handed_in(work=WRONG_DOUBLE + RIGHT_TOTAL)
    judge_by_parts(student, check_on(student), TRUE, SUBSTITUTES)
    assert float(student.total(X)) == 18.0


def test_chosen_parts_stay_until_the_case_ends(handed_in: Callable[..., Proxy]) -> None:
    student = handed_in(work=WRONG_DOUBLE + RIGHT_TOTAL)
    assert parts_that_work(student, check_on(student), TRUE, SUBSTITUTES) == SUBSTITUTES
    assert float(student.total(X)) == 9.0
    student._request("begin", seed=0)
    assert float(student.total(X)) == 18.0


def test_true_parts_where_none_works(handed_in: Callable[..., Proxy]) -> None:
    student = handed_in(work=WRONG_DOUBLE + "def total(x):\n    return x.sum()\n")
    assert parts_that_work(student, check_on(student), TRUE, SUBSTITUTES) == TRUE


def test_some_parts_of_several(handed_in: Callable[..., Proxy]) -> None:
    """One part is wrong and called, the other is right and written out once more."""
    student = handed_in(work=WRONG_DOUBLE + "def total(x):\n    return double(x * x).sum()\n")

    def check(double: Callable[..., torch.Tensor], square: Callable[..., torch.Tensor]) -> None:
        assert_matches(student.total(X), double(square(X)).sum())

    parts = parts_that_work(
        student, check, {"double": double, "square": squared}, {"double": next_one, "square": double}
    )
    assert parts == {"double": next_one, "square": squared}
