"""Reads what a worker replied: its value, or the error that it tells of. A reply is untrusted like everything else."""

from __future__ import annotations

from typing import Any

from autograder.course.model import Rule
from autograder.errors import ForbiddenUse, ProtocolError, WorkerOutOfMemory
from autograder.sandbox.channel.failures import LABELS, student_error
from autograder.sandbox.grader.places import Places

__all__ = ["answer"]

MAX_USES = 64
TEXTS = ("kind", "text", "trace", "file")


def answer(reply: Any, number: int, places: Places, memory_mb: int) -> Any:
    """The value in a reply.

    Args:
        reply: what the worker sent, any value that crosses.
        number: of the request that it must answer; another one shows that an earlier reply was forged.
        places: where in the student's files that which it tells of stands.

    Raises:
        ForbiddenUse, WorkerOutOfMemory, StudentError: the reply says so.
        ProtocolError: it is not a reply.
    """
    if type(reply) is not dict or type(reply.get("used")) is not list or len(reply["used"]) > MAX_USES:
        raise ProtocolError("a reply that is not one")
    if type(reply.get("id")) is not int or reply["id"] != number:
        raise ProtocolError("a reply to another request")
    for use in reply["used"]:
        if type(use) is not list or [type(part) for part in use] != [str, str, int] or use[0] not in list(Rule):
            raise ProtocolError("a reply with a record that is not one")
        raise ForbiddenUse(LABELS[Rule(use[0])], places.location(use[1], use[2]))
    if reply.keys() == {"id", "used", "value"}:
        return reply["value"]
    error = reply.get("error")
    if (
        reply.keys() != {"id", "used", "error", "memory"}
        or type(error) is not dict
        or type(reply["memory"]) is not bool
    ):
        raise ProtocolError("a reply with other keys")
    if error.keys() != {*TEXTS, "line"} or type(error["line"]) is not int:
        raise ProtocolError("a reply with an error that is not one")
    if any(type(error[key]) is not str for key in TEXTS):
        raise ProtocolError("a reply with an error that is not one")
    if reply["memory"]:
        raise WorkerOutOfMemory(f"the memory limit of {memory_mb} MiB was reached")
    raised = student_error(error)
    raised.location = places.location(error["file"], error["line"], raised.trace)
    raised.trace = places.told(raised.trace)
    raise raised
