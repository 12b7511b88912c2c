"""The result of grading a submission: frozen data with a JSON form."""

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

__all__ = ["MAX_SOURCE", "SCHEMA", "CaseResult", "QuestionResult", "SubmissionInfo", "SubmissionResult"]

SCHEMA = 2
MAX_SOURCE = 200_000
READ = (1, 2)  # in schema 1, the keys of `info` were at the top level only


@dataclass(frozen=True)
class CaseResult:
    """One case of one question.

    Attributes:
        id: `forward-matches[asymmetric]`, unique within its question.
        title: the checked property, in words for the student. The variants of one check share it. May be "".
        message: the cause, in words for the student.
        hint: advice on the next place to look at; may be "".
        location: `file.py:line` of the student's own code, or "".
        detail: the traceback and the worker's last output, for instructors only.
        weight: this case's share of the question's points, relative to the other cases.
        seconds: wall-clock time of the case.
        student_seconds: the part of `seconds` spent in the student's calls.
        credit: the share of its weight that it earns, 0 to 1. The default is 1 if it passed, else 0.
        timing: the measurement of a running-time budget as plain data, see `Measured` in `checks.timing.statistics`.
        alone: True if a failure of the questions that its question depends on does not block it.
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
        """A copy without `detail` and the single times of a measurement, which only result.json needs."""
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
    """The author, option and time of a submission.

    Attributes:
        submission: its unique name in a run: the name of the zip or folder, without `.zip`.
        members: (id, name) of every group member; empty for one person's work.
        submitted_at: ISO 8601 with offset, or "" if unknown.
        notes: remarks for the instructor: a folder around the files, a missing file, …
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
        fingerprint: digest of submission, hidden checks, reference and engine. An equal one needs no new grading.
        attachments: texts of further files beside result.json, by file name, for example an executed notebook. They
            travel with the result between processes and machines, and result.json leaves them out.
        phase_seconds: `seconds`, split by the names of `autograder.phases.PHASES`.
        notebooks: the runs of the notebooks, by file name; None if no run was requested.
        integrity: the differences between submission and handout; None if they are unknown.
        reading: the code beside its comments, if a person has to read it. result.json leaves its lines out.
        sources: the code of the submitted modules by file name, at most MAX_SOURCE characters each. result.json leaves
            it out.
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
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def submission(self) -> str:
        return self.info.submission

    @property
    def graded(self) -> bool:
        """False if a case ended with a grader error."""
        return all(question.outcome is not Outcome.GRADER_ERROR for question in self.questions)

    @property
    def answered(self) -> bool:
        """True if there are written answers."""
        return any(run.answers for run in (self.notebooks or {}).values())

    @property
    def too_noisy(self) -> bool:
        """True if the machine was too busy to measure some running time."""
        return any(case.outcome is Outcome.TOO_NOISY for question in self.questions for case in question.cases)

    def to_json(self) -> dict[str, Any]:
        """Plain data for json.dump: `schema`, `info`, questions and cases.

        The submission's facts also stand at the top level, for scripts that know schema 1. A single notebook's run also
        appears under `notebook`.
        """
        data = to_plain(self)
        info, runs = data.pop("info"), data["notebooks"]
        if not runs or len(runs) == 1:
            data["notebook"] = next(iter(runs.values())) if runs else None
        data["integrity"] = self.integrity.to_json() if self.integrity else None
        return {"schema": SCHEMA, "assignment": data.pop("assignment"), "info": info, **info, **data}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SubmissionResult:
        """Read the data of `to_json`, also of schema 1 and with one notebook. Raises ValueError for other data.

        Every result passes here on its way to a page, so this makes all its text encodable.
        """
        data = dict(all_encodable(data))
        if (schema := data.get("schema")) not in READ:
            raise ValueError(f"result schema {schema!r}, wanted {SCHEMA}")
        only, integrity = data.get("notebook"), data.get("integrity")
        upgraded = {
            "info": data if schema == 1 else data.get("info"),
            "notebooks": data.get("notebooks", {"": only} if only else None),
            "integrity": up_to_date(integrity) if integrity else None,
        }
        return from_plain({**data, **upgraded}, cls)
