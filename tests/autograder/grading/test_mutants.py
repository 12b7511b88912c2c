"""Mutants are read strictly, and the kill matrix says who caught whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.course.layout import Course
from autograder.course.model import Component
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionInfo, SubmissionResult
from autograder.course.table import Wrong
from autograder.errors import GraderError, ManifestError, UsageError
from autograder.grading.mutants.artifacts import handed_in, with_changes
from autograder.grading.mutants.edit import edit
from autograder.grading.mutants.matrix import Check, KillMatrix, Mutant, kill_matrix, load_mutants
from autograder.sandbox.session.artifacts import load_file

ENTRY = {
    "id": "double-triples",
    "why": "Three instead of two.",
    "question": "double",
    "check": "double",
    "find": "SCALE * x",
    "replace": "1.5 * SCALE * x",
}


def toml(*entries: dict[str, Any], top: str = "") -> str:
    def value(item: object) -> str:
        if isinstance(item, dict):
            return "{ " + ", ".join(f'"{key}" = {value(inner)}' for key, inner in item.items()) + " }"
        return repr(item)

    blocks = ["\n".join(["[[mutant]]", *(f"{key} = {value(item)}" for key, item in e.items())]) for e in entries]
    return "\n".join([top, *blocks])


def load(toy: Any, text: str) -> tuple[Mutant, ...]:
    course = Course(toy.root)
    assignment = course.assignment("t1")
    folder = course.mutants(assignment)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "some.toml").write_text(text)
    return load_mutants(course, assignment)


def test_a_mutant_differs_from_the_reference_where_it_says(toy: Any) -> None:
    (mutant,) = load(toy, toml(ENTRY))
    assert mutant.source == toy.reference.replace("return SCALE * x", "return 1.5 * SCALE * x")
    assert (mutant.id, mutant.check) == ("double-triples", Check("double", "double"))


def test_a_prefix_that_no_mutant_has_is_a_bad_argument(toy: Any) -> None:
    load(toy, toml(ENTRY))
    done = toy.run("mutants", "t1", "--only", "trebble")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "autograder: --only: no mutant's id begins with 'trebble'\n"


def test_a_text_is_looked_for_in_the_component_only(toy: Any) -> None:
    """`torch.Tensor` stands in both components."""
    changes = {"find": ["x: torch.Tensor", "return SCALE"], "replace": ["x", "return 3 + SCALE"]}
    (mutant,) = load(toy, toml(ENTRY | changes))
    assert "def double(x) -> torch.Tensor:\n    return 3 + SCALE * x" in mutant.source
    assert "def add(self, x: torch.Tensor)" in mutant.source


def test_a_mutant_may_stand_in_another_component(toy: Any) -> None:
    elsewhere = {"question": "counter", "check": "counter", "within": "double"}
    (mutant,) = load(toy, toml(ENTRY | elsewhere))
    assert "1.5 * SCALE" in mutant.source


def test_only_checks_of_what_is_attempted_are_run(toy: Any, tmp_path: Path) -> None:
    some, every = load(toy, toml(ENTRY, top='attempt = ["double"]')), load(toy, toml(ENTRY))
    asked: list[object] = []

    def grade(path: Path, name: str, questions: Sequence[str] | None) -> SubmissionResult:
        asked.append(questions)
        return graded(name)

    kill_matrix(grade, [*some, replace(every[0], id="other")], Course(toy.root).assignment("t1"), tmp_path, jobs=1)
    assert asked == [("double",), ("double", "counter")]


@pytest.mark.parametrize(
    "change, says",
    [
        ({"find": "SCALE + x"}, "find: found 'SCALE + x', wanted a text that stands once in double; it stands 0 times"),
        ({"find": "x"}, "find: found 'x', wanted a text that stands once in double; it stands 2 times"),
        ({"question": "treble"}, "question: found 'treble', wanted one of double, counter"),
        ({"replace": "SCALE *"}, "replace: found 'invalid syntax, line 9', wanted a mutant that is Python"),
        ({"replace": "SCALE * x"}, "replace: found 'SCALE * x', wanted another text than find"),
        ({"replace": ["a", "b"]}, "replace: found '2 texts', wanted 1, as many as in find"),
        ({"replace": 3}, "replace: found 3, wanted a text, or a list of texts"),
        ({"within": "Counter.less"}, "within: found 'Counter.less', wanted a class or function of the module"),
        ({"why": ""}, "why: found '', wanted text"),
        ({"id": "Double/../up"}, "id: found 'Double/../up', wanted small letters, digits and hyphens"),
        ({"artifacts": {"x.pt": ""}}, "artifacts: found"),
        ({"artifacts": {"x.pt": {"loss": ""}}}, "artifacts: found"),
        ({"hint": "none"}, "hint: found 'the unknown key hint', wanted a key of this table: id, why,"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_entry_is_refused(toy: Any, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ManifestError) as refused:
        load(toy, toml(ENTRY | {"id": "first"}, ENTRY | change))
    assert "some.toml: mutant 2 (" in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize("key", ENTRY)
def test_a_missing_key_is_named(toy: Any, key: str) -> None:
    with pytest.raises(ManifestError, match=f"{key}: found"):
        load(toy, toml({name: value for name, value in ENTRY.items() if name != key}))


def test_a_repeated_id_is_refused(toy: Any) -> None:
    with pytest.raises(
        ManifestError, match=r"mutant 2 \(double-triples\): id: found .*, wanted an id that no other has"
    ):
        load(toy, toml(ENTRY, ENTRY))


@pytest.mark.parametrize(
    "text", ["", "mutant = 3", "attempt = ['none']\n" + toml(ENTRY), "[[mutants]]", "]["], ids=range(5)
)
def test_a_wrong_file_is_refused(toy: Any, text: str) -> None:
    with pytest.raises(UsageError):
        load(toy, text)


def test_an_edit_reaches_no_further_than_its_method() -> None:
    source = "class A:\n    def f(self):\n        return 1\n\n    def g(self):\n        return 1\n"
    assert edit(source, "A.g", ["return 1"], ["return 2"]) == source[:-2] + "2\n"
    with pytest.raises(Wrong, match="stands 2 times"):
        edit(source, "A", ["return 1"], ["return 2"])


def graded(name: str, **outcomes: Outcome) -> SubmissionResult:
    cases = {"f": ("first", "first"), "g": ("first", "second[small]"), "h": ("last", "third")}
    questions = tuple(
        QuestionResult(
            question,
            question,
            1.0,
            0.0,
            Outcome.FAILED,
            tuple(
                CaseResult(id, outcomes.get(key, Outcome.PASSED), detail="why")
                for key, (owner, id) in cases.items()
                if owner == question
            ),
        )
        for question in ("first", "last")
    )
    return SubmissionResult("x", SubmissionInfo(name), 0.0, 2.0, questions, 0)


def killed(toy: Any, tmp_path: Path, **verdicts: SubmissionResult) -> tuple[KillMatrix, dict[str, list[str]]]:
    seen: dict[str, list[str]] = {}

    def grade(path: Path, name: str, questions: Sequence[str] | None) -> SubmissionResult:
        seen[name] = sorted(file.name for file in path.iterdir())
        assert (path / "toy.py").read_text() == f"# {name}"
        return verdicts[name]

    mutants = [Mutant(name, "why", Check("first", "first"), "toy.py", f"# {name}") for name in verdicts]
    return kill_matrix(grade, mutants, Course(toy.root).assignment("t1"), tmp_path), seen


def test_the_matrix_says_which_check_caught_which_mutant(toy: Any, tmp_path: Path) -> None:
    matrix, seen = killed(
        toy,
        tmp_path,
        one=graded("one", f=Outcome.FAILED),
        two=graded("two", f=Outcome.ERROR, g=Outcome.TIMEOUT),
        none=graded("none", g=Outcome.NOT_ATTEMPTED, h=Outcome.BLOCKED),
    )
    first, second, third = Check("first", "first"), Check("first", "second[small]"), Check("last", "third")
    assert matrix.caught == {"one": {first}, "two": {first, second}, "none": frozenset()}
    assert matrix.cases == {first, second, third}
    assert matrix.only_catcher() == {first: ("one",), second.function: (), third: ()}
    assert seen == {name: ["toy.py"] for name in ("one", "two", "none")}


@pytest.mark.parametrize(
    "check, caught", [("first", True), ("second", True), ("second[small]", True), ("second[large]", False)]
)
def test_a_mutant_may_name_a_function_or_one_case(toy: Any, tmp_path: Path, check: str, caught: bool) -> None:
    matrix, _ = killed(toy, tmp_path, two=graded("two", f=Outcome.FAILED, g=Outcome.FAILED))
    assert matrix.catches(Mutant("two", "why", Check("first", check), "toy.py", "")) is caught
    assert not matrix.catches(Mutant("two", "why", Check("last", check), "toy.py", ""))


def test_a_check_that_breaks_is_nobodys_catch(toy: Any, tmp_path: Path) -> None:
    with pytest.raises(GraderError, match="first / first broke on mutant one"):
        killed(toy, tmp_path, one=graded("one", f=Outcome.GRADER_ERROR))


def test_what_was_too_noisy_is_measured_again(toy: Any, tmp_path: Path) -> None:
    noisy = replace(graded("one").questions[0].cases[0], outcome=Outcome.TOO_NOISY)
    first = graded("one")
    first = replace(first, questions=(replace(first.questions[0], cases=(noisy,)), *first.questions[1:]))
    answers = [first, graded("one", f=Outcome.TOO_SLOW)]
    one = Mutant("one", "why", Check("first", "first"), "toy.py", "")
    matrix = kill_matrix(lambda *asked: answers.pop(0), [one], Course(toy.root).assignment("t1"), tmp_path)
    assert (matrix.catches(one), answers) == (True, [])


def test_artifacts_go_along_are_left_out_or_exchanged(toy: Any, tmp_path: Path) -> None:
    assignment = replace(
        Course(toy.root).assignment("t1"), components=(Component("toy", artifacts=("first.pt", "second.pt")),)
    )
    (tmp_path / "first.pt").write_text("1")
    (tmp_path / "second.pt").write_text("2")
    seen: dict[str, dict[str, str]] = {}

    def grade(path: Path, name: str, questions: Sequence[str] | None) -> SubmissionResult:
        seen[name] = {file.name: file.read_text() for file in path.glob("*.pt")}
        return graded(name)

    changes = {"as-is": {}, "without": {"first.pt": ""}, "exchanged": {"first.pt": "second.pt"}}
    mutants = [Mutant(name, "why", Check("first", "first"), "toy.py", "", change) for name, change in changes.items()]
    kill_matrix(grade, mutants, assignment, tmp_path)
    assert seen == {
        "as-is": {"first.pt": "1", "second.pt": "2"},
        "without": {"second.pt": "2"},
        "exchanged": {"first.pt": "2", "second.pt": "2"},
    }


def test_a_table_is_laid_over_what_a_file_holds(toy: Any, tmp_path: Path) -> None:
    assignment = replace(
        Course(toy.root).assignment("t1"), components=(Component("toy", artifacts=("curves.pt", "missing.pt")),)
    )
    torch.save({"loss": {"train": [2.0, 1.0], "val": torch.ones(2)}, "epochs": 2}, tmp_path / "curves.pt")
    changes = {"curves.pt": {"loss": {"train": [0.5]}, "epochs": "", "seed": 7}, "missing.pt": {"loss": 1}}
    found: list[Any] = []

    def grade(path: Path, name: str, questions: Sequence[str] | None) -> SubmissionResult:
        found.append({file.name: load_file(file.read_bytes()) for file in path.glob("*.pt")})
        return graded(name)

    kill_matrix(grade, [Mutant("changed", "why", Check("first", "first"), "toy.py", "", changes)], assignment, tmp_path)
    ((name, held),) = found[0].items()
    assert (name, held["loss"].pop("val").tolist()) == ("curves.pt", [1.0, 1.0])
    assert held == {"loss": {"train": [0.5]}, "seed": 7}


def test_a_changed_file_has_the_same_bytes_every_time(toy: Any, tmp_path: Path) -> None:
    assignment = replace(Course(toy.root).assignment("t1"), components=(Component("toy", artifacts=("curves.pt",)),))
    torch.save({"loss": [2.0, 1.0]}, tmp_path / "curves.pt")
    first, second = (handed_in(assignment, tmp_path, {"curves.pt": {"loss": [3.0]}}) for _ in range(2))
    assert first == second != handed_in(assignment, tmp_path, {})


@pytest.mark.parametrize(
    "held, changes, result",
    [
        ({"a": 1}, {}, {"a": 1}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": ""}}, {"a": {"c": 2}}),
        ({"a": {"b": 1}}, {"a": 3}, {"a": 3}),
        ({"a": 1}, {"a": {"b": 3}}, {"a": {"b": 3}}),
        ({"a": 1}, {"b": ""}, {"a": 1}),
        ([1, 2], {"a": 1}, {"a": 1}),
    ],
    ids=["nothing", "left-out", "a-dict-replaced", "a-dict-instead", "left-out-already", "no-dict-before"],
)
def test_laying_over(held: Any, changes: dict[str, Any], result: Any) -> None:
    assert with_changes(held, changes) == result
