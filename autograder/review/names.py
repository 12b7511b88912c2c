"""The names of people and submissions on the page, or codes if names are hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from autograder.course.result import SubmissionInfo
from autograder.gradebook.facts import Facts, StoredSubmission
from autograder.gradebook.grades import Grade

__all__ = ["Names"]

NOBODY = "nobody"


@dataclass(frozen=True)
class Names:
    """Names, or codes. Addresses and forms always hold a person's code."""

    anonymous: bool
    people: Mapping[str, str]  # key → name
    numbers: Mapping[str, str]  # key → id as it is written
    codes: Mapping[str, str]  # key → code
    owners: Mapping[int, tuple[str, ...]]  # submission → keys

    @classmethod
    def of(cls, facts: Facts, grades: Iterable[Grade], anonymous: bool) -> Names:
        owners: dict[int, list[str]] = {}
        for grade in grades:
            for number in filter(None, (grade.submission, *(other for other, _, _ in grade.others))):
                owners.setdefault(number, []).append(grade.student)
        return cls(
            anonymous,
            {each.key: each.name for each in facts.students},
            {each.key: each.number for each in facts.students},
            {each.key: each.code for each in facts.students},
            {number: tuple(keys) for number, keys in owners.items()},
        )

    def person(self, key: str) -> str:
        """A person's name and id, or their code."""
        if key not in self.codes:
            return NOBODY
        if self.anonymous:
            return self.codes[key]
        return " ".join(filter(None, (self.people[key], self.numbers[key] or key)))

    def submission(self, submission: StoredSubmission) -> str:
        """A submission's name, or the codes of its people and its number."""
        if not self.anonymous:
            return submission.name
        codes = sorted(self.codes.get(key, NOBODY) for key in self.owners.get(submission.id, ()))
        return f"{'+'.join(codes) or NOBODY}-{submission.id}"

    def key(self, code: str) -> str | None:
        """The person with this code."""
        return next((key for key, own in self.codes.items() if own == code), None)

    def info(self, submission: StoredSubmission, info: SubmissionInfo) -> SubmissionInfo:
        """The submission's facts that a page may show. Hidden names also hide notes, which may hold names."""
        if not self.anonymous:
            return info
        codes = [(self.codes.get(key, ""), "") for key in self.owners.get(submission.id, ())]
        first = codes[0][0] if codes else ""
        return replace(
            info, submission=self.submission(submission), name="", id=first, members=tuple(codes[1:]), notes=()
        )

    def without(self, text: str) -> str:
        """A text of ours, with codes instead of ids if names are hidden."""
        if self.anonymous:
            for key in sorted(self.codes, key=len, reverse=True):
                for written in filter(None, (self.numbers[key], key)):
                    text = text.replace(written, self.codes[key])
        return text
