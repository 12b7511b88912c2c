"""The recorded answers of the reference to the public checks: students check without the reference.

A recording is a transcript's memo in a file: one frame of `sandbox.channel.wire`, plain data, nothing pickled, the
same bytes for the same answers. A request that was not recorded is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.checks.sides.reference import TranscriptChannel
from autograder.course.model import Question
from autograder.errors import GraderError, ProtocolError, UsageError
from autograder.sandbox.channel import wire
from autograder.sandbox.proxy import Channel

__all__ = ["ANSWERS", "Recording", "load_recording"]

ANSWERS = "answers.bin"
FORMAT = 1


@dataclass(frozen=True)
class Recording:
    """The reference's answers.

    Attributes:
        seed: the run's seed that inputs were drawn from.
        answers: by the digest of a case's requests so far, as `TranscriptChannel` keeps them.
    """

    seed: int
    answers: Mapping[bytes, Any]

    def channel(self, question: Question, case: str) -> Channel:
        """Answers one case's requests. A request that was never recorded raises GraderError."""

        def refuse() -> Channel:
            raise GraderError(
                f"{case}: the recorded answers do not fit the checks here. Unzip the assignment again beside your "
                "files; if that does not help, install the versions that it pins."
            )

        return TranscriptChannel(case, refuse, dict(self.answers))

    def to_bytes(self) -> bytes:
        """The file's content. Raises TypeError if an answer is not plain data."""
        answers = {key.hex(): self.answers[key] for key in sorted(self.answers)}
        return b"".join(wire.encode({"format": FORMAT, "seed": self.seed, "answers": answers}))

    @classmethod
    def from_bytes(cls, data: bytes) -> Recording:
        """Read what `to_bytes` wrote. Raises ProtocolError, or ValueError for another frame or format."""
        value = wire.decode(data)
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise ValueError(f"not a recording of format {FORMAT}")
        answers = value.get("answers")
        if not isinstance(answers, dict) or type(value.get("seed")) is not int:
            raise ValueError("no answers in it")
        return cls(value["seed"], {bytes.fromhex(str(key)): answer for key, answer in answers.items()})


def load_recording(folder: Path) -> Recording:
    """Read the recording in a folder of public checks. Raises UsageError if it is missing or damaged."""
    path = folder / ANSWERS
    try:
        return Recording.from_bytes(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; it belongs to the assignment: unzip it again") from None
    except (ProtocolError, ValueError) as error:
        raise UsageError(f"{path}: damaged ({error}): unzip the assignment again") from None
