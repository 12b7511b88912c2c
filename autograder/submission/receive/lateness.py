"""Finds the time of a submission, and decides if it was late."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path

from autograder.course.result import SubmissionInfo
from autograder.errors import UsageError
from autograder.submission.paths import plain_text
from autograder.submission.receive.filename import without_archive_end

__all__ = ["SUBMITTED", "ArrivalTime", "arrival", "key", "read_submitted"]

SUBMITTED = "submitted.csv"
COLUMNS = ("submission", "submitted_at")
BY_FILES = f"late by its own files' times; no {SUBMITTED} tells when it was handed in"
BY_NAME = f"late by the time in its name, read in the deadline's time zone; {SUBMITTED} may give another time"
BY_SYSTEM = "the learning system marked it late"
WANTED_TIME = "a date and time, 2022-12-02T23:59:00+09:00"


@dataclass(frozen=True)
class ArrivalTime:
    """The time of a submission, in the deadline's time zone; None if unknown."""

    at: datetime | None
    late: bool
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """ISO 8601 with offset, or ""."""
        return self.at.isoformat(timespec="seconds") if self.at else ""

    def onto(self, info: SubmissionInfo) -> SubmissionInfo:
        """A copy of `info` with this time."""
        others = tuple(note for note in info.notes if note not in (BY_FILES, BY_NAME, BY_SYSTEM))
        return replace(info, submitted_at=self.text, late=self.late, notes=(*others, *self.notes))


def key(name: str) -> str:
    """The key that matches a row of `submitted.csv` with an archive or folder: its name without `.zip`, `.tar.gz`…"""
    return without_archive_end(plain_text(name).strip())


def read_submitted(path: Path, zone: tzinfo | None) -> dict[str, datetime]:
    """Read `submission,submitted_at` rows: `key(submission)` → time. A time without an offset is in `zone`.

    Raises:
        UsageError: a column is missing, a name is empty or repeated, or a time is wrong. It names file and line.
    """
    times: dict[str, datetime] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            if not set(COLUMNS) <= set(rows.fieldnames or ()):
                raise UsageError(f"{path}:1: found {rows.fieldnames or 'nothing'}, wanted columns {','.join(COLUMNS)}")
            for row in rows:
                name, at = _row(row, f"{path}:{rows.line_num}", zone)
                if name in times:
                    raise UsageError(f"{path}:{rows.line_num}: {name} is there twice")
                times[name] = at
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    return times


def _row(row: Mapping[str, str | None], where: str, zone: tzinfo | None) -> tuple[str, datetime]:
    name, text = ((row[column] or "").strip() for column in COLUMNS)
    if not name:
        raise UsageError(f"{where}: submission: found nothing, wanted a zip's or folder's name")
    try:
        if len(text) <= len("2022-12-02"):
            raise ValueError("a date without a time would mean midnight")
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{where}: submitted_at: found {text!r}, wanted {WANTED_TIME}") from None
    return key(name), at if at.tzinfo else at.replace(tzinfo=zone)


def arrival(
    listed: datetime | None,
    named: datetime | None,
    modified: Iterable[datetime],
    due: datetime,
    marked_late: bool = False,
) -> ArrivalTime:
    """The time of a submission: from `submitted.csv`, else from its name, else the time of its newest file.

    A time without a time zone is in the deadline's zone.

    Args:
        listed: the time in `submitted.csv`.
        named: the time in the name that a learning system gave.
        modified: the times of its files. Students can set them.
        due: the deadline. A submission at exactly this time is not late.
        marked_late: True if a learning system marked it late. It counts unless `submitted.csv` has the time.
    """
    zone = due.tzinfo
    times = [time if time.tzinfo else time.replace(tzinfo=zone) for time in ([named] if named else modified)]
    at = listed or max(times, default=None)
    late = listed > due if listed else marked_late or (at is not None and at > due)
    notes = []
    if at and at > due and listed is None:
        notes.append(BY_NAME if named else BY_FILES)
    if marked_late:
        notes.append(BY_SYSTEM)
    return ArrivalTime(at.astimezone(zone) if at else None, late, tuple(notes))
