"""A wrong answer that equals a mutant's gets the mistake's name; any other gets none."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from autograder.course.outcome import Outcome
from autograder.grading.mutants import ends
from autograder.grading.mutants.ends import End, Ends
from tests.autograder.conftest import Toy

CHECKS = """
import pytest
import torch

from autograder.checks import assert_matches


@pytest.mark.question("double")
@pytest.mark.parametrize("size", [3, 5, 7, 9, 11, 13], ids=str)
def test_double(student, reference, rng, size):
    x = rng.normal(size)
    assert_matches(student.double(x), reference.double(x))


@pytest.mark.question("double")
def test_double_of_many(student, reference, rng):
    x = rng.normal(17)
    assert_matches(student.double(x), reference.double(x), what="the output for many")


@pytest.mark.question("counter")
def test_counter(student, reference, rng):
    x = rng.normal(4)
    assert_matches(student.Counter().add(x), reference.Counter().add(x))
"""
MUTANTS = """
[[mutant]]
id = "squares"
why = "Squares instead of doubling."
question = "double"
check = "double"
find = "SCALE * x"
replace = "x * x"

[[mutant]]
id = "squares-of-few"
why = "Squares of few numbers."
question = "double"
check = "double"
find = "SCALE * x"
replace = "x * x if len(x) < 17 else SCALE * x"

[[mutant]]
id = "plus-one"
why = "One is added."
question = "double"
check = "double"
find = "SCALE * x"
replace = "SCALE * x + 1"

[[mutant]]
id = "adds-one"
why = "One is added, said in other words."
question = "double"
check = "double"
find = "SCALE * x"
replace = "1 + SCALE * x"

[[mutant]]
id = "cubes-of-long"
why = "Squares, and cubes of long inputs."
question = "double"
check = "double"
find = "SCALE * x"
replace = "x * x if len(x) < 13 else x ** 3"

[[mutant]]
id = "no-number"
why = "The result is thrown away."
question = "double"
check = "double"
says = "does the function return its result?"
find = "return SCALE * x"
replace = "return None"

[[mutant]]
id = "never-ends"
why = "It runs for ever on long inputs."
question = "double"
check = "double"
find = "return SCALE * x"
replace = '''while len(x) > 4:
        pass
    return x'''
"""
SAYS = "Your answer is what this mistake gives: "


def hints(toy: Toy, out: Path, name: str) -> set[str]:
    result = json.loads((out / name / "result.json").read_text())
    return {case["hint"] for case in result["questions"][0]["cases"] if case["outcome"] == "failed"}


def prepare(toy: Toy, mutants: str = MUTANTS) -> None:
    (toy.root / "tests/hidden/t1_toy/test_toy.py").write_text(CHECKS)
    folder = toy.root / "tests/mutants/t1_toy"
    folder.mkdir(parents=True)
    (folder / "double.toml").write_text(mutants)


def test_a_class(toy: Toy, tmp_path: Path) -> None:
    prepare(toy)
    toy.submit("known-1-A1-O1", ("SCALE * x", "x ** 2"))  # the mistake in a student's own words
    toy.submit("unknown-2-A1-O1", ("SCALE * x", "x * x + 0.5"))
    toy.submit("long-4-A1-O1", ("SCALE * x", "x * x if len(x) < 13 else x * x * x"))  # like another in most cases
    toy.submit("longer-5-A1-O1", ("SCALE * x", "x * x if len(x) < 13 else x + 1"))  # and this one is unknown
    toy.submit("partly-6-A1-O1", ("SCALE * x", "x * x if len(x) < 17 else x + 5"))  # one explains a part of it
    toy.submit("twice-3-A1-O1", ("SCALE * x", "x + x + 1"))  # two mutants answer like this
    out = tmp_path / "out"
    done = toy.run("grade", "t1", toy.submitted, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert hints(toy, out, "known-1-A1-O1") == {f"{SAYS}Squares instead of doubling."}
    assert not any(hint.startswith(SAYS) for hint in hints(toy, out, "unknown-2-A1-O1"))
    assert not any(hint.startswith(SAYS) for hint in hints(toy, out, "partly-6-A1-O1"))
    assert not any(hint.startswith(SAYS) for hint in hints(toy, out, "twice-3-A1-O1"))
    assert hints(toy, out, "long-4-A1-O1") == {f"{SAYS}Squares, and cubes of long inputs."}
    assert not any(hint.startswith(SAYS) for hint in hints(toy, out, "longer-5-A1-O1"))
    assert f"{SAYS}Squares instead of doubling." in (out / "known-1-A1-O1/report.html").read_text()


def test_a_mutant_is_tried_once_for_a_class(toy: Toy, tmp_path: Path) -> None:
    log = tmp_path / "tries"
    counted = f"""(open({str(log)!r}, "a").write("."), x * x * x)[1]"""
    entry = {"id": "cubes", "why": "Cubes.", "question": "double", "check": "double", "find": "SCALE * x"}
    lines = [f"{key} = {json.dumps(value)}" for key, value in {**entry, "replace": counted}.items()]
    prepare(toy, "\n".join(["[[mutant]]", *lines]))
    for number in range(4):
        toy.submit(f"student{number}-{number}-A1-O1", ("SCALE * x", "x ** 3"))
    out = tmp_path / "out"
    done = toy.run("grade", "t1", toy.submitted, "--out", out, "--jobs", "1")
    assert (done.returncode, done.stderr) == (0, "")
    for number in range(4):
        assert hints(toy, out, f"student{number}-{number}-A1-O1") == {f"{SAYS}Cubes."}
    assert len(log.read_text()) <= 7  # cases of the question


def test_what_is_kept(tmp_path: Path) -> None:
    kept, wrong = Ends(tmp_path), torch.arange(3.0)
    assert kept.read("squares") == {}
    large = torch.zeros(ends.MAX_NUMBERS + 1)
    found = {"a": End(Outcome.FAILED, "3 of 3 values are wrong", wrong), "b": End(), "c": End(Outcome.PASSED)}
    kept.keep("squares", {**found, "d": End(Outcome.FAILED, "wrong", large)})
    again = kept.read("squares")
    assert torch.equal(again.pop("a").value, wrong)  # type: ignore[arg-type]
    assert again == {"b": End(), "c": End(Outcome.PASSED)}
    next(tmp_path.iterdir()).write_bytes(b"cut off")
    assert kept.read("squares") == {}


def test_the_table(toy: Toy) -> None:
    prepare(toy, MUTANTS.partition('\n[[mutant]]\nid = "never-ends"')[0])
    done = toy.run("mutants", "t1", "--hints", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {row["mutant"]: row for row in json.loads(done.stdout)["mutants"]}
    assert {name for name, row in rows.items() if row["named"]} == {"squares", "squares-of-few", "cubes-of-long"}
    assert {name for name, row in rows.items() if row["told"]} == {"no-number"}
    assert not any(row["wrong"] for row in rows.values())
    assert rows["plus-one"]["alone"] == ["One is added, said in other words."]
    assert rows["squares"]["alone"] == []
    done = toy.run("mutants", "t1", "--hints")
    assert done.stderr == ""
    said = " ".join(done.stdout.split())
    assert (
        "4 of 6 mutants that give a wrong value are named, 0 by another's name; 1 of them by the check itself" in said
    )
