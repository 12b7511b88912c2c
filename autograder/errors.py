"""The errors that this package raises on purpose.

AutograderError
├── UsageError                the caller can fix it: arguments, a manifest, a source file (exit status 2)
│   ├── ManifestError         a wrong assignment.toml; names file, key, found and wanted value
│   ├── AuthoringError        a solution source that cannot be built: file and line
│   └── ArchiveError          a submitted zip or folder that cannot be read
├── SandboxError              a call to a worker failed
│   ├── IsolationUnavailable  this host cannot confine student code well enough to grade
│   ├── StudentError          the submission's own code raised
│   ├── ForbiddenUse          the submission used something that the question rules out
│   ├── WorkerTimeout         no answer before the deadline
│   ├── WorkerOutOfMemory     the worker hit its memory limit
│   ├── WorkerCrashed         the worker died
│   └── ProtocolError         the worker sent bytes that are no valid reply
├── CheckFailed               a wrong answer; the message is for the student
├── TooSlow                   a right answer that took longer than its budget
│   └── TooNoisy              a right answer whose running time could not be measured on a busy machine
├── DeviceNeeded              this machine lacks a device that the check needs
│   └── DataNeeded            this machine lacks data that the check needs, or a person has to judge
└── GraderError               the grader itself is at fault: the run fails, and nobody gets 0 points (exit status 1)

This module imports nothing of the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "ArchiveError",
    "AuthoringError",
    "AutograderError",
    "CheckFailed",
    "DataNeeded",
    "DeviceNeeded",
    "ForbiddenUse",
    "GraderError",
    "IsolationUnavailable",
    "Location",
    "ManifestError",
    "ProtocolError",
    "SandboxError",
    "StudentError",
    "TooNoisy",
    "TooSlow",
    "UsageError",
    "WorkerCrashed",
    "WorkerOutOfMemory",
    "WorkerTimeout",
]


@dataclass(frozen=True)
class Location:
    """A line of a submission's own file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class AutograderError(Exception):
    """Base of the errors that this package raises on purpose."""


class UsageError(AutograderError):
    """A fault that the caller can fix. The message is one line."""


class ManifestError(UsageError):
    """A wrong assignment.toml."""

    def __init__(self, file: Path, key: str, *, found: object, wanted: str) -> None:
        super().__init__(f"{file}: {key}: found {found!r}, wanted {wanted}")
        self.file, self.key = file, key


class AuthoringError(UsageError):
    """A solution source that cannot be built."""

    def __init__(self, file: Path, line: int, problem: str) -> None:
        super().__init__(f"{file}:{line}: {problem}")
        self.file, self.line = file, line


class ArchiveError(UsageError):
    """A submitted zip or folder that cannot be read. The message says which one and why."""


class SandboxError(AutograderError):
    """A call to a worker failed."""


class IsolationUnavailable(SandboxError):
    """This host cannot confine student code well enough to grade."""


class StudentError(SandboxError):
    """The submission's own code raised.

    Attributes:
        kind: the exception's type name, as the worker reported it (untrusted text, at most 80 characters).
        text: the exception's message (untrusted; for instructors only).
        trace: the worker's traceback (untrusted; for instructors only).
        location: the deepest line of the traceback that lies in the submission's own files; None if there is none.
        importing: True if it was raised during the import of the module.
        stub: True for a NotImplementedError of a `raise` statement in the submission's own files, as a stub has it.
    """

    importing: bool = False

    def __init__(
        self, kind: str, text: str = "", trace: str = "", location: Location | None = None, *, stub: bool = False
    ) -> None:
        super().__init__(f"{kind}: {text}" if text else kind)
        self.kind, self.text, self.trace, self.location, self.stub = kind, text, trace, location, stub


class ForbiddenUse(SandboxError):
    """The submission used something that the question rules out."""

    def __init__(self, what: str, location: Location | None = None) -> None:
        super().__init__(f"used {what}, which this question rules out")
        self.what, self.location = what, location


class WorkerTimeout(SandboxError):
    """No answer before the deadline.

    Args:
        seconds: the time that the worker had, without the time in which other processes kept the machine busy.
        computed: the CPU seconds that it used in this time; None if they were not measured.
        starved: True if the machine was so busy that the worker hardly ran.

    Attributes:
        importing: True if the import of the submission did not end.
        location: the line that was running then; None if it is unknown.
    """

    importing: bool = False
    location: Location | None = None

    def __init__(self, seconds: float, computed: float | None = None, *, starved: bool = False) -> None:
        super().__init__(f"no answer within {seconds:g} s")
        self.seconds, self.computed, self.starved = seconds, computed, starved


class QuestionTimeSpent(WorkerTimeout):
    """The calls of one question have used up the question's seconds."""


class TimeSpent(WorkerTimeout):
    """All calls of a submission together have used up its seconds."""


class WorkerOutOfMemory(SandboxError):
    """The worker hit its memory limit."""


class WorkerCrashed(SandboxError):
    """The worker died."""


class ProtocolError(SandboxError):
    """The worker sent bytes that are no valid reply."""


class CheckFailed(AutograderError):
    """A wrong answer. The message is for the student.

    The message never holds an expected value or a hidden input. It may hold shapes, dtypes, counts, positions and
    sizes of errors.

    Attributes:
        value: the wrong answer, or a measurement of it, as a tensor; or None. It stays in the grader's process,
            which compares it with the answers of known mistakes (`grading.mutants.mistakes`).
        wanted: the expected answer, or None; only a public check shows it.
    """

    def __init__(self, message: str, hint: str = "", *, value: object = None) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint
        self.value: object = value
        self.wanted: object = None


class TooSlow(AutograderError):
    """A right answer that took longer than its budget. `credit` is the share of the points that it still earns."""

    def __init__(self, message: str, hint: str = "", credit: float = 0.0) -> None:
        super().__init__(message)
        self.message, self.hint, self.credit = message, hint, credit


class TooNoisy(TooSlow):
    """A right answer whose running time could not be measured: the machine was too busy.

    Until it is measured again, it earns the highest credit that the measurement does not rule out.
    """


class DeviceNeeded(AutograderError):
    """This machine lacks a device that the check needs. The outcome is *pending*."""


class DataNeeded(DeviceNeeded):
    """This machine lacks data that the check needs, or a person has to judge. The outcome is *pending*."""


class GraderError(AutograderError):
    """The grader itself is at fault. The run fails, and nobody gets 0 points."""
