"""Recorded answers: kept where only rounding differs, replaced where the reference answers something else."""

from __future__ import annotations

import pytest
import torch

from autograder.authoring.snapshot import record, settled
from autograder.checks.sides.recorded import Recording
from autograder.errors import UsageError


def recording(value, key=b"k"):
    return Recording(0, {key: value})


X = torch.tensor([1.0, -2.0, 0.0], dtype=torch.float64)

SAME = {
    "equal": (X, X.clone()),
    "rounding": (X, X * (1 + 1e-14)),
    "rounding beside zero": (X, X + 1e-14),
    "float32": (X.float(), X.float() * (1 + 1e-6)),
    "nested": (({"a": [X, 1]}, None), ({"a": [X * (1 + 1e-14), 1]}, None)),
    "number": (1.5, 1.5 + 1e-15),
    "nan": (float("nan"), float("nan")),
    "empty": (X[:0], X[:0]),
    # A bias before batch normalization has no gradient: what rounding leaves of it has no digit in common.
    "noise beside numbers": ({"w": X, "b": X * 1e-17}, {"w": X, "b": X * -3e-17}),
    "noise alone": (X * 1e-16, X * -2e-16),
    "noise alone, float32": (X.float() * 1e-8, X.float() * -2e-8),
    "number from float32": (0.1234567, 0.1234569),
}
OTHER = {
    "value": (X, X * (1 + 1e-6)),
    "small value": (X * 1e-3, X * 1.001e-3),
    "small value beside others of another dtype": ([X, 0.01 * X.float()], [X, 0.011 * X.float()]),
    "number": (0.5, 0.501),
    "shape": (X, X.reshape(1, 3)),
    "dtype": (X, X.float()),
    "integers": (torch.tensor([1, 2]), torch.tensor([1, 3])),
    "length": ([X], [X, X]),
    "type": (1, 1.0),
    "key": ({"a": 1}, {"b": 1}),
    "text": ("a", "b"),
    "nan": (X, X / 0),
}


@pytest.mark.parametrize("old, new", SAME.values(), ids=SAME)
def test_rounding_keeps_the_earlier_bytes(old, new):
    earlier = recording(old).to_bytes()
    assert settled(recording(new), earlier) is earlier


@pytest.mark.parametrize("old, new", OTHER.values(), ids=OTHER)
def test_another_answer_replaces_them(old, new):
    wanted = recording(new).to_bytes()
    assert settled(recording(new), recording(old).to_bytes()) == wanted


@pytest.mark.parametrize("earlier", [None, b"", b"AGF1 and more", recording(X, b"other request").to_bytes()])
def test_what_is_no_such_recording_is_replaced(earlier):
    assert settled(recording(X), earlier) == recording(X).to_bytes()


def test_a_recording_lists_every_case_and_comes_out_the_same_twice(workshop):
    first, second = (record(workshop.course, workshop.assignment) for _ in range(2))
    assert first.cases == {"half": ("half[1]", "half[5]"), "quarter-of": ("quarter",)}
    assert first.recording.to_bytes() == second.recording.to_bytes()


SAVED = """

@pytest.mark.question("half")
def test_saved(student):
    from autograder.checks import CheckFailed, StudentError, artifact

    try:
        saved = artifact(student, "halves.pt")
    except StudentError as error:
        raise CheckFailed("halves.pt is not there") from error
    assert_matches(saved, torch.tensor(2.0))
"""


def test_a_file_that_the_notebook_has_yet_to_write_stops_nothing_but_a_wrong_one_does(workshop):
    checks = workshop.checks / "test_halves.py"
    checks.write_text(checks.read_text() + SAVED)
    assert record(workshop.course, workshop.assignment).cases["half"] == ("half[1]", "half[5]", "saved")
    torch.save(torch.tensor(2.0), workshop.source / "halves.pt")
    assert record(workshop.course, workshop.assignment).cases["half"] == ("half[1]", "half[5]", "saved")
    torch.save(torch.tensor(3.0), workshop.source / "halves.pt")
    with pytest.raises(UsageError, match="half: saved does not pass on the reference"):
        record(workshop.course, workshop.assignment)


UNMEASURED = """

@pytest.mark.question("half")
def test_quick(student):
    from autograder.errors import {error}

    raise {error}("half takes 12.9 x (11.3 to 52.4); it is not certain whether this is within 40 x")
"""


def test_a_time_that_a_busy_machine_cannot_measure_stops_nothing_but_a_slow_reference_does(workshop):
    checks = workshop.checks / "test_halves.py"
    before = checks.read_text()
    checks.write_text(before + UNMEASURED.format(error="TooNoisy"))
    assert record(workshop.course, workshop.assignment).cases["half"] == ("half[1]", "half[5]", "quick")
    checks.write_text(before + UNMEASURED.format(error="TooSlow"))
    with pytest.raises(UsageError, match="half: quick does not pass on the reference: too_slow"):
        record(workshop.course, workshop.assignment)
