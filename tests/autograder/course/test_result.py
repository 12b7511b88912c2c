"""Results survive the way to JSON and back, and an outcome of many is the one that most needs attention."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.course.integrity import Integrity, ModuleIntegrity, Place
from autograder.course.notebook import NotebookOutcome, NotebookRun
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionInfo, SubmissionResult

texts = st.text(max_size=20)
cases = st.builds(CaseResult, id=texts, outcome=st.sampled_from(Outcome), message=texts, hint=texts, detail=texts)
questions = st.builds(
    QuestionResult,
    id=texts,
    title=texts,
    points=st.floats(0, 100),
    score=st.floats(0, 100),
    outcome=st.sampled_from(Outcome),
    cases=st.lists(cases, max_size=3).map(tuple),
)
infos = st.builds(
    SubmissionInfo,
    submission=texts,
    name=texts,
    members=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
    late=st.booleans(),
    notes=st.lists(texts, max_size=2).map(tuple),
)
results = st.builds(
    SubmissionResult,
    assignment=texts,
    info=infos,
    score=st.floats(0, 100),
    max_score=st.floats(0, 100),
    questions=st.lists(questions, max_size=3).map(tuple),
    seed=st.integers(0, 2**31),
    environment=st.dictionaries(texts, texts, max_size=2),
    attachments=st.dictionaries(texts, texts, max_size=2),
)


@settings(deadline=None)  # the first call makes the types' readers
@given(results)
def test_json_round_trip(result: SubmissionResult) -> None:
    data = json.loads(json.dumps(result.to_json()))
    assert SubmissionResult.from_json(data) == result


def test_a_result_from_before_there_were_attachments_is_read() -> None:
    data = SubmissionResult("x", SubmissionInfo("s"), 0, 1, (), 0).to_json()
    del data["attachments"]
    assert SubmissionResult.from_json(data).attachments == {}


def test_schema_1_is_read() -> None:
    """Before, what is under `info` stood at the top level only."""
    result = SubmissionResult("x", SubmissionInfo("s", "Kim", "11", late=True), 0, 1, (), 0)
    data = result.to_json() | {"schema": 1}
    del data["info"]
    assert SubmissionResult.from_json(data) == result


def test_the_facts_of_a_submission_stand_at_both_places() -> None:
    data = SubmissionResult("x", SubmissionInfo("s", "Kim", "11"), 0, 1, (), 0).to_json()
    assert data["schema"] == 2
    assert data["info"].items() <= data.items()
    assert data["info"]["id"] == "11"


def test_another_schema_is_refused() -> None:
    data = SubmissionResult("x", SubmissionInfo("s"), 0, 1, (), 0).to_json() | {"schema": 99}
    with pytest.raises(ValueError, match="schema 99"):
        SubmissionResult.from_json(data)


@pytest.mark.parametrize(
    "damage",
    [{"questions": None}, {"score": "5"}, {"info": {"submission": "s", "name": 3}}, {"questions": [{"id": "a"}]}],
)
def test_a_damaged_result_is_refused_with_the_place(damage: dict[str, object]) -> None:
    data = SubmissionResult("x", SubmissionInfo("s"), 0, 1, (), 0).to_json() | damage
    with pytest.raises(ValueError, match=f"not a SubmissionResult: .*{next(iter(damage))}"):
        SubmissionResult.from_json(data)


def test_a_result_from_when_there_was_one_notebook_is_read() -> None:
    run = {"outcome": "ran", "cells": 3}
    module = {"carried": True, "restored": [{"name": "Given", "number": 7}]}
    old = {"module": module, "notebook": None, "supplied": [], "edited": [], "stand_ins": []}
    data = SubmissionResult("x", SubmissionInfo("s"), 0, 1, (), 0).to_json() | {"notebook": run, "integrity": old}
    del data["notebooks"]
    found = SubmissionResult.from_json(data)
    assert found.notebooks == {"": NotebookRun(NotebookOutcome.RAN, cells=3)}
    assert found.integrity == Integrity({"": ModuleIntegrity(carried=True, restored=(Place("Given", 7),))})


@pytest.mark.parametrize(
    "cases, whole",
    [
        ([Outcome.PASSED, Outcome.PASSED], Outcome.PASSED),
        ([Outcome.PASSED, Outcome.FAILED], Outcome.FAILED),
        ([Outcome.FAILED, Outcome.ERROR, Outcome.ERROR], Outcome.ERROR),
        ([Outcome.FAILED, Outcome.ERROR], Outcome.FAILED),
        ([Outcome.FAILED, Outcome.FAILED, Outcome.PENDING], Outcome.PENDING),
        ([Outcome.PENDING, Outcome.GRADER_ERROR], Outcome.GRADER_ERROR),
        ([], Outcome.GRADER_ERROR),
    ],
)
def test_outcome_of_many(cases: list[Outcome], whole: Outcome) -> None:
    assert Outcome.of(cases) is whole


FIRST_OF_ALL = """
import sys, threading
from autograder.course.result import SubmissionResult

sys.setswitchinterval(1e-6)
together = threading.Barrier(8)

def read():
    together.wait()
    try:
        SubmissionResult.from_json({"schema": 2})
    except ValueError:
        read_by.append(1)

read_by = []
threads = [threading.Thread(target=read) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit(len(read_by) != 8)
"""


def test_the_first_results_are_read_by_several_threads_at_once() -> None:
    """msgspec without a lock ends the process by a segmentation fault here, seven times in eight."""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", FIRST_OF_ALL], capture_output=True, text=True)
        assert done.returncode == 0, f"{done.returncode}: {done.stderr}"
