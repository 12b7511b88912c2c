"""Every error this package raises on purpose.

AutograderError
├── UsageError                the caller can fix it: arguments, a manifest, a source file (exit status 2)
│   ├── ManifestError         assignment.toml: file, key, what was found, what was wanted
│   ├── AuthoringError        a solution source that cannot be built: file and line
│   └── ArchiveError          a submitted zip or folder that cannot be read
├── SandboxError              between the grader and a worker
│   ├── IsolationUnavailable  this host cannot confine student code well enough to grade
│   ├── StudentError          the submission's own code raised
│   ├── ForbiddenUse          the submission used what the question rules out
│   ├── WorkerTimeout         no answer before the deadline
│   ├── WorkerOutOfMemory     the worker hit its memory limit
│   ├── WorkerCrashed         the worker died
│   └── ProtocolError         the worker sent something that is not an answer
├── CheckFailed               a check's verdict, in words a student may read
├── TooSlow                   right, and beyond its running-time budget
├── TooNoisy                  right, and the machine too busy to say how fast
├── DeviceNeeded              the check needs a device that is not here
│   └── DataNeeded            or data, or a person
└── GraderError               our own fault: the run fails loudly and nobody gets a 0 (exit status 1)

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
    """Base of every error this package raises on purpose."""


class UsageError(AutograderError):
    """Something that the caller can fix; the message is one clear line."""


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
    """A submitted zip or folder that cannot be read; says which and why."""


class SandboxError(AutograderError):
    """Something between the grader and a worker."""


class IsolationUnavailable(SandboxError):
    """This host cannot confine student code well enough to grade."""


class StudentError(SandboxError):
    """The submission's own code raised.

    Attributes:
        kind: the exception's type name, as the worker reported it (untrusted text, at most 80 characters).
        text: the exception's message (untrusted; for instructors only).
        trace: the worker's traceback (untrusted; for instructors only).
        location: deepest line of the submission's own files in the traceback, if there is one.
        importing: it was raised while the module was imported.
    """

    importing: bool = False

    def __init__(self, kind: str, text: str = "", trace: str = "", location: Location | None = None) -> None:
        super().__init__(f"{kind}: {text}" if text else kind)
        self.kind, self.text, self.trace, self.location = kind, text, trace, location


class ForbiddenUse(SandboxError):
    """The submission used what the question rules out."""

    def __init__(self, what: str, location: Location | None = None) -> None:
        super().__init__(f"used {what}, which this question rules out")
        self.what, self.location = what, location


class WorkerTimeout(SandboxError):
    """No answer before the deadline.

    Args:
        seconds: those that the worker had; what the machine was busy with others is not in them.
        computed: seconds of CPU time that it used meanwhile; None where nobody looked.
        starved: the machine was so busy that the worker hardly ran.

    Attributes:
        importing: it was the submission's import that did not end.
        location: where it was then, if that is known.
    """

    importing: bool = False
    location: Location | None = None

    def __init__(self, seconds: float, computed: float | None = None, *, starved: bool = False) -> None:
        super().__init__(f"no answer within {seconds:g} s")
        self.seconds, self.computed, self.starved = seconds, computed, starved


class QuestionTimeSpent(WorkerTimeout):
    """The calls of one question have used up its seconds."""


class TimeSpent(WorkerTimeout):
    """The submission has used up the seconds that all of it may take."""


class WorkerOutOfMemory(SandboxError):
    """The worker hit its memory limit."""


class WorkerCrashed(SandboxError):
    """The worker died."""


class ProtocolError(SandboxError):
    """The worker sent something that is not an answer."""


class CheckFailed(AutograderError):
    """A check's verdict, in words a student may read.

    The message never holds an expected value or a hidden input: shapes, dtypes, counts, positions and sizes
    of errors only.

    Attributes:
        value: the wrong answer itself, where there is one; it stays in the grader's process.
        wanted: likewise what was wanted; only a public check tells it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint
        self.value: object = None
        self.wanted: object = None


class TooSlow(AutograderError):
    """Right, and beyond its running-time budget. `credit` is the share of the points that it earns all the same."""

    def __init__(self, message: str, hint: str = "", credit: float = 0.0) -> None:
        super().__init__(message)
        self.message, self.hint, self.credit = message, hint, credit


class TooNoisy(TooSlow):
    """Right, and the machine too busy to say how fast: earns the most that is not ruled out, until it is run again."""


class DeviceNeeded(AutograderError):
    """The check needs a device that is not here; the outcome is *pending*."""


class DataNeeded(DeviceNeeded):
    """The check needs data that are not here, or a person: nothing here tells; the outcome is *pending*."""


class GraderError(AutograderError):
    """Our own fault: the run fails loudly and nobody gets a 0."""
