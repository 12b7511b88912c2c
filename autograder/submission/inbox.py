"""Receives submissions: from a path to what the grader needs to know about each and may give to a worker."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from autograder.course.model import Assignment
from autograder.course.result import SubmissionInfo
from autograder.errors import UsageError
from autograder.submission.archive import ArchiveLimits, Files, read_submission
from autograder.submission.find import find_submissions, holds_module
from autograder.submission.identity import Identity, identify
from autograder.submission.lateness import SUBMITTED, arrival, read_submitted
from autograder.submission.locate import Located, locate
from autograder.submission.names import decode_name
from autograder.submission.naming import ParsedName, parse_name, safe_names

__all__ = ["Inbox", "Submission"]


@dataclass(frozen=True)
class Submission:
    """One submission, received.

    Attributes:
        info: who handed it in, when, and what a person should know about it.
        files: paths relative to the module's folder → bytes, importable as they stand; empty without the module.
        artifacts: name as the assignment gives it → bytes, of those that were handed in.
        notebook: None if none was handed in.
        digest: SHA-256 of all the above; equal digests need no second grading.
        module_found: False where the module is missing; a note says what was there instead.
        edited, lacking: given files that were handed in otherwise than they were handed out, or not at all.
    """

    info: SubmissionInfo
    files: Mapping[str, bytes]
    artifacts: Mapping[str, bytes]
    notebook: bytes | None
    digest: str
    module_found: bool
    edited: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inbox:
    """The submissions under one path, by a name that is unique and fit for a folder.

    Attributes:
        entries: name → zip or folder, in order of name.
        clean: the handout's files, of which students' own copies are not used.
        submitted: what `submitted.csv` beside the submissions says.
    """

    assignment: Assignment
    entries: Mapping[str, Path]
    clean: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    submitted: Mapping[str, datetime] = field(default_factory=dict)
    limits: ArchiveLimits = field(default_factory=ArchiveLimits)

    @classmethod
    def open(cls, path: Path, assignment: Assignment, clean: Mapping[str, bytes] | None = None) -> Inbox:
        """Find what there is to grade.

        Args:
            path: a folder of zips and folders, or one of either.
            clean: the handout's files by path, as `read_submission(handout)` gives them.

        Raises:
            UsageError: nothing to grade, or a wrong `submitted.csv`, which lies beside the zips.
        """
        found = find_submissions(path, assignment.module)
        entries = safe_names([Path(os.path.abspath(each)) for each in found])  # "." has no name of its own
        path = Path(os.path.abspath(path))
        one = not path.is_dir() or holds_module(path, assignment.module)
        table = (path.parent if one else path) / SUBMITTED
        submitted = read_submitted(table, assignment.due.tzinfo) if table.is_file() else {}
        return cls(assignment, entries, clean or {}, submitted)

    def receive(self, name: str) -> Submission:
        """Read one submission. Raises ArchiveError, one clear line, if it cannot be read."""
        path = self._path(name)
        parsed = _parsed(path)
        files = read_submission(path, self.limits)
        located = locate(files, self.assignment, self.clean)
        who = identify(
            parsed,
            self.assignment,
            located.notebook,
            self.clean.get(self.assignment.notebook),
            located.group,
            expect_form=path.is_file(),
        )
        info = self._info(name, who, parsed, files, (*files.notes, *located.notes))
        return Submission(
            info=info,
            files=located.files,
            artifacts=located.artifacts,
            notebook=located.notebook,
            digest=_digest(info, located),
            module_found=located.module_found,
            edited=located.edited,
            lacking=located.lacking,
        )

    def unreadable(self, name: str, why: str) -> SubmissionInfo:
        """What can be said of a submission whose archive cannot be read: what its name and `submitted.csv` tell."""
        path = self._path(name)
        parsed = _parsed(path)
        who = identify(parsed, self.assignment, None, None, None, expect_form=path.is_file())
        return self._info(name, who, parsed, Files({}), (why,))

    def _path(self, name: str) -> Path:
        try:
            return self.entries[name]
        except KeyError:
            raise UsageError(f"no submission {name!r} here") from None

    def _info(
        self, name: str, who: Identity, parsed: ParsedName, files: Files, notes: tuple[str, ...]
    ) -> SubmissionInfo:
        came = arrival(
            self._path(name).name, files.modified.values(), self.submitted, self.assignment.due, parsed.marked_late
        )
        return SubmissionInfo(
            submission=name,
            name=who.name,
            id=who.id,
            option=who.option,
            members=who.members,
            submitted_at=came.text,
            late=came.late,
            notes=(*notes, *who.notes, *came.notes),
        )


def _parsed(path: Path) -> ParsedName:
    """What the zip's or folder's name tells; failing that, the name of the folder that a learning system made."""
    own, around = (
        parse_name(decode_name(name.encode(errors="surrogateescape"))) for name in (path.name, path.parent.name)
    )
    return around if around.account and not (own.in_form or own.account) else own


def _digest(info: SubmissionInfo, located: Located) -> str:
    digest = hashlib.sha256(json.dumps(asdict(info), sort_keys=True).encode())
    parts = {f"file/{path}": data for path, data in located.files.items()}
    parts |= {f"artifact/{path}": data for path, data in located.artifacts.items()}
    if located.notebook is not None:
        parts["notebook"] = located.notebook
    for path, data in sorted(parts.items()):
        digest.update(f"\0{path}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()
