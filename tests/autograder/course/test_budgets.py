"""Budgets in a manifest: what they say, and how a wrong one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course.manifest import load_assignment
from autograder.course.model import Band, BudgetKind
from autograder.errors import ManifestError

GOOD = """
number = 3
title = "Sorting"
due = 2030-05-06T23:59:00+09:00
module = "sorting"

[[options]]
id = "1"
title = "Own work"

[[questions]]
id = "speed"
title = "Speed"
points = 10
component = "merge"

[[questions.budgets]]
id = "forward"
baseline = "Fast.merge"
bands = [{ ratio = 2.0, credit = 1.0 }, { ratio = 5, credit = 0.5 }]
[questions.budgets.sizes.cpu]
batch = 16
shape = [3, 4]
part = { batch = 4 }
[questions.budgets.sizes.cuda]
batch = 128

[[questions.budgets]]
id = "backward"
ratio = 4
[questions.budgets.sizes.cpu]

[[questions.budgets]]
id = "train"
kind = "training"
seconds = 30
[questions.budgets.sizes.cuda]
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    folder = tmp_path / "solutions" / "x3_sorting"
    folder.mkdir(parents=True)
    return folder / "assignment.toml"


def test_budgets(manifest: Path) -> None:
    manifest.write_text(GOOD)
    forward, backward, train = load_assignment(manifest).by_id["speed"].budgets
    assert forward.baseline == "Fast.merge"
    assert forward.bands == (Band(2.0, 1.0), Band(5.0, 0.5))
    assert {device: dict(sizes) for device, sizes in forward.sizes.items()} == {
        "cpu": {"batch": 16, "shape": [3, 4]},
        "cuda": {"batch": 128},
    }
    assert {device: dict(part) for device, part in forward.parts.items()} == {"cpu": {"batch": 4, "shape": [3, 4]}}
    assert not backward.parts
    assert (backward.baseline, backward.bands, dict(backward.sizes["cpu"])) == ("reference", (Band(4.0, 1.0),), {})
    assert (train.kind, train.seconds, train.bands) == (BudgetKind.TRAINING, 30.0, ())


@pytest.mark.parametrize(
    "old, new, key, wanted",
    [
        ("ratio = 2.0", "ratio = 1.4", "budgets[0].bands[0].ratio", "at least 1.5"),
        ("ratio = 4", "ratio = 1.2", "budgets[1].ratio", "at least 1.5"),
        ("ratio = 4", "", "budgets[1].ratio", "a number"),
        ("ratio = 5", "ratio = 2.1", "budgets[0].bands[1].ratio", "a tenth more"),
        ("credit = 1.0", "credit = 0.9", "budgets[0].bands[0].credit", "1 in the first band"),
        ("credit = 0.5", "credit = 1.0", "budgets[0].bands[1].credit", "less than the band before"),
        ("credit = 0.5", "credit = 0", "budgets[0].bands[1].credit", "more than 0"),
        ("credit = 0.5", "credit = 0.5, colour = 1", "budgets[0].bands[1].colour", "a key"),
        ('baseline = "Fast.merge"', 'baseline = "a b"', "budgets[0].baseline", "dotted name"),
        ('id = "backward"', 'id = "forward"', "budgets[1].id", "no earlier budget"),
        ('kind = "training"', 'kind = "sprint"', "budgets[2].kind", "one of ratio, training"),
        ("seconds = 30", "seconds = 0", "budgets[2].seconds", "at least 0.1"),
        ("seconds = 30", "seconds = 30\nratio = 2", "budgets[2].ratio", "a key"),
        ("sizes.cpu]\nbatch", "sizes.tpu]\nbatch", "budgets[0].sizes.tpu", "one of cpu, cuda"),
        ("batch = 128", "batch = { a = 1 }", "budgets[0].sizes.cuda.batch", "a number"),
        ("part = { batch = 4 }", "part = 4", "budgets[0].sizes.cpu.part", "a table"),
        ("part = { batch = 4 }", "part = { rows = 4 }", "budgets[0].sizes.cpu.part.rows", "another value of a key"),
        ("part = { batch = 4 }", "part = { batch = {} }", "budgets[0].sizes.cpu.part.batch", "another value of a key"),
        ("batch = 128", "device = 1", "budgets[0].sizes.cuda.device", "other than device"),
        ("[questions.budgets.sizes.cuda]\n\n", "", "budgets[2].sizes", "NAME"),
    ],
)
def test_wrong_budgets(manifest: Path, old: str, new: str, key: str, wanted: str) -> None:
    text = GOOD + "\n"
    assert old in text
    manifest.write_text(text.replace(old, new))
    with pytest.raises(ManifestError) as caught:
        load_assignment(manifest)
    assert str(caught.value).startswith(f"{manifest}: questions[0].{key}: found ")
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)
