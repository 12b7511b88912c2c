"""Reads a worker's reply: its value, or the error that it reports. A reply is untrusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.errors import ForbiddenUse, ProtocolError, WorkerOutOfMemory
from autograder.sandbox.channel.failures import Skipped, skipped, student_error
from autograder.sandbox.grader.places import Places

__all__ = ["answer", "place_of_gpu", "skipped_statements"]

MAX_USES = 64
MAX_SKIPPED = 20
TEXTS = ("kind", "text", "trace", "file")


def answer(reply: Any, number: int, places: Places, memory_mb: int, rules: Mapping[str, str]) -> Any:
    """The value in a reply.

    Args:
        reply: the decoded reply, any value that can cross.
        number: the number of the request. Another one shows that an earlier reply was forged.
        places: converts reported lines to the student's files.
        rules: the worker's rules: name → description.

    Raises:
        ForbiddenUse, WorkerOutOfMemory, StudentError: the reply reports it.
        ProtocolError: the reply is malformed.
    """
    if type(reply) is not dict or type(reply.get("used")) is not list or len(reply["used"]) > MAX_USES:
        raise ProtocolError("a reply that is not one")
    if type(reply.get("id")) is not int or reply["id"] != number:
        raise ProtocolError("a reply to another request")
    for use in reply["used"]:
        if type(use) is not list or [type(part) for part in use] != [str, str, int] or use[0] not in rules:
            raise ProtocolError("a reply with a record that is not one")
        raise ForbiddenUse(rules[use[0]], places.location(use[1], use[2]))
    if reply.keys() - {"gpu"} == {"id", "used", "value"}:
        return reply["value"]
    error = reply.get("error")
    if (
        reply.keys() - {"gpu"} != {"id", "used", "error", "memory"}
        or type(error) is not dict
        or type(reply["memory"]) is not bool
    ):
        raise ProtocolError("a reply with other keys")
    if error.keys() != {*TEXTS, "line", "stub"} or (type(error["line"]), type(error["stub"])) != (int, bool):
        raise ProtocolError("a reply with an error that is not one")
    if any(type(error[key]) is not str for key in TEXTS):
        raise ProtocolError("a reply with an error that is not one")
    if reply["memory"]:
        raise WorkerOutOfMemory(f"the memory limit of {memory_mb} MiB was reached")
    raised = student_error({**error, "text": places.with_student_lines(error["text"])})
    raised.location = places.location(error["file"], error["line"], raised.trace)
    raised.trace = places.with_student_lines(raised.trace)
    raise raised


def place_of_gpu(reply: Any, places: Places) -> str | None:
    """The line, `file:line`, at which the submission asks for a GPU by name and the CPU replaced it; "" if unknown.

    None if the reply reports nothing of this kind. It changes no score, but a note reports it.
    """
    place = reply.get("gpu") if type(reply) is dict else None
    if type(place) is not list or [type(part) for part in place] != [str, int]:
        return None
    return str(places.location(*place) or "")


def skipped_statements(value: Any, places: Places) -> tuple[Skipped, ...]:
    """The statements that were skipped, as the reply to "load" reports them, at the lines of the student's files.

    The submission has seen no input at that time. Entries of another form are left out: they change no score.
    """
    entries = value[:MAX_SKIPPED] if type(value) is list else []
    entries = [each for each in entries if type(each) is list and [type(part) for part in each] == [str, int, str]]
    found = [(places.location(file, line), kind) for file, line, kind in entries]
    return tuple(skipped(place.file, place.line, kind) for place, kind in found if place)
