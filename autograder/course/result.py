"""What grading a submission yields: frozen data with a JSON form, no rendering."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from autograder.course.encodable import all_encodable
from autograder.course.integrity import Integrity, up_to_date
from autograder.course.notebook import NotebookRun
from autograder.course.outcome import Outcome
from autograder.course.plain import from_plain, to_plain
from autograder.course.reading import Reading

__all__ = ["SCHEMA", "CaseResult", "QuestionResult", "SubmissionInfo", "SubmissionResult"]

SCHEMA = 1


@dataclass(frozen=True)
class CaseResult:
    """One case of one question.

    Attributes:
        id: `forward-matches[asymmetric]`, unique within its question.
        title: what the case checks, in words for the student; the variants of one check share it. May be empty.
        message: the cause, in words the student may read.
        hint: what to look at next; may be empty.
        location: `file.py:line` of the student's own code, or "".
        detail: for instructors only: the traceback, the worker's last output.
        weight: this case's share of the question's points, relative to the others.
        seconds: wall-clock time of the case.
        student_seconds: of those, time spent waiting for the student's own calls.
        credit: the share of its weight that it earns, 0 to 1; where it is not given, all of it if it passed.
        timing: what was measured of a running-time budget, plain data; `Measured` in `checks.timing.statistics` says
            what is in it.
        alone: whether it needs nothing of the questions that its own depends on, so that none of them blocks it.
    """

    id: str
    outcome: Outcome
    message: str = ""
    hint: str = ""
    location: str = ""
    detail: str = ""
    weight: float = 1.0
    seconds: float = 0.0
    student_seconds: float = 0.0
    credit: float = math.nan
    timing: Mapping[str, Any] | None = None
    title: str = ""
    alone: bool = False

    def __post_init__(self) -> None:
        if math.isnan(self.credit):
            object.__setattr__(self, "credit", float(self.outcome is Outcome.PASSED))

    def slim(self) -> CaseResult:
        """Without what only result.json needs: details, and the single times of a measurement."""
        timing = self.timing and {**self.timing, "student_ms": [], "baseline_ms": []}
        return replace(self, detail="", timing=timing)


@dataclass(frozen=True)
class QuestionResult:
    id: str
    title: str
    points: float
    score: float
    outcome: Outcome
    cases: tuple[CaseResult, ...] = ()


@dataclass(frozen=True)
class SubmissionInfo:
    """Who handed in what, and when.

    Attributes:
        submission: unique name within a run: the zip's or folder's name without `.zip`.
        members: (id, name) of every group member; empty for one person's work.
        submitted_at: ISO 8601 with offset, or "" where nothing tells.
        notes: what a person should know about the archive: a folder around the files, a missing file, …
    """

    submission: str
    name: str = ""
    id: str = ""
    option: str = ""
    members: tuple[tuple[str, str], ...] = ()
    submitted_at: str = ""
    late: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SubmissionResult:
    """The result of one submission; `score` is after the option's scale.

    Attributes:
        environment: versions and platform: {"python": "3.11.7", "torch": …, "device": "cpu", …}.
        isolation: {"level": "A", "layers": {"landlock": true, …}}.
        fingerprint: digest of submission, hidden checks, reference and engine; equal means nothing to re-grade.
        attachments: file name → text, written beside result.json: an executed notebook, a page for a person. They
            travel with the result between processes and machines, and are left out of result.json.
        phase_seconds: where `seconds` went, by the names of `autograder.phases.PHASES`.
        notebooks: what came of running each notebook, by file name; None where that was not asked for.
        integrity: how what was handed in differs from what was handed out; None where nothing tells.
        reading: the code beside its author's comments, where a person is to read it. In result.json without the lines.
    """

    assignment: str
    info: SubmissionInfo
    score: float
    max_score: float
    questions: tuple[QuestionResult, ...]
    seed: int
    scale: float = 1.0
    environment: Mapping[str, Any] = field(default_factory=dict)
    isolation: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    seconds: float = 0.0
    phase_seconds: Mapping[str, float] = field(default_factory=dict)
    attachments: Mapping[str, str] = field(default_factory=dict)
    notebooks: Mapping[str, NotebookRun] | None = None
    integrity: Integrity | None = None
    reading: Reading | None = None

    @property
    def submission(self) -> str:
        return self.info.submission

    @property
    def graded(self) -> bool:
        """False where some case ended through our own fault."""
        return all(question.outcome is not Outcome.GRADER_ERROR for question in self.questions)

    @property
    def answered(self) -> bool:
        """Whether there are answers in words to read."""
        return any(run.answers for run in (self.notebooks or {}).values())

    @property
    def too_noisy(self) -> bool:
        """Whether the machine was too busy to say how fast something is."""
        return any(case.outcome is Outcome.TOO_NOISY for question in self.questions for case in question.cases)

    def to_json(self) -> dict[str, Any]:
        """Plain data for json.dump: `schema`, the submission's facts at the top level, questions and cases.

        What came of the notebook stands under `notebook` too, where there is only one.
        """
        data = to_plain(self)
        info, runs = data.pop("info"), data["notebooks"]
        if not runs or len(runs) == 1:
            data["notebook"] = next(iter(runs.values())) if runs else None
        data["integrity"] = self.integrity.to_json() if self.integrity else None
        return {"schema": SCHEMA, "assignment": data.pop("assignment"), **info, **data}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SubmissionResult:
        """Read what `to_json` wrote, or wrote when there was one notebook. Raises ValueError for anything else.

        Every result comes through here on its way to pages, so here its text is made one that can be written.
        """
        data = dict(all_encodable(data))
        if (schema := data.get("schema")) != SCHEMA:
            raise ValueError(f"result schema {schema!r}, wanted {SCHEMA}")
        only, integrity = data.get("notebook"), data.get("integrity")
        upgraded = {
            "info": data,
            "notebooks": data.get("notebooks", {"": only} if only else None),
            "integrity": up_to_date(integrity) if integrity else None,
        }
        return from_plain({**data, **upgraded}, cls)
