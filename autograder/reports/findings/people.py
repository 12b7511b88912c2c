"""The people of a submission: the person who handed it in, and every member of the group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograder.course.result import SubmissionInfo, SubmissionResult
from autograder.gradebook.facts import key

__all__ = ["elsewhere", "people"]

People = tuple[tuple[str, str], ...]


def people(info: SubmissionInfo) -> People:
    """(name, id) of every person once, the one who handed in first. Empty if no name or id is known. Untrusted text."""
    found = {key(info.id) or info.name: (info.name, info.id)}
    for id, name in info.members:
        found.setdefault(key(id) or name, (name, id))
    return tuple(person for person in found.values() if any(person))


def elsewhere(results: Sequence[SubmissionResult]) -> Mapping[str, tuple[tuple[str, str, str], ...]]:
    """People in more than one submission: by submission, (name, id, another submission). The id identifies a person."""
    belongs: dict[str, list[str]] = {}
    for result in results:
        for _, id in people(result.info):
            if key(id):
                belongs.setdefault(key(id), []).append(result.submission)
    found = {
        result.submission: tuple(
            (name, id, other)
            for name, id in people(result.info)
            for other in belongs.get(key(id), ())
            if other != result.submission
        )
        for result in results
    }
    return {submission: others for submission, others in found.items() if others}
