"""How checks end on mutants. Each check is run once for a class: all submissions of a run get the same inputs."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from autograder.course.outcome import Outcome
from autograder.files import whole

__all__ = ["End", "Ends"]

MAX_NUMBERS = 1 << 18  # the most numbers in a wrong value that is kept


@dataclass(frozen=True)
class End:
    """One check's end for one mutant.

    Attributes:
        outcome: None if the check ran out of time.
        value: the wrong value; None if there is none, or if it is no tensor.
    """

    outcome: Outcome | None = None
    message: str = ""
    value: torch.Tensor | None = None


@dataclass(frozen=True)
class Ends:
    """A folder with a file per mutant, for all processes of one run.

    If two processes write one file at once, the ends of the last one stay. The checks of lost ends are run again.
    """

    folder: Path

    def read(self, mutant: str) -> dict[str, End]:
        """The known ends of a mutant, by case."""
        try:
            known = torch.load(self._file(mutant), weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):  # nothing yet, or the disk was full
            return {}
        return {
            case: End(outcome and Outcome(outcome), message, value) for case, (outcome, message, value) in known.items()
        }

    def keep(self, mutant: str, ends: Mapping[str, End]) -> None:
        """Write down the known ends of a mutant, except for very large values."""
        plain = {
            case: (end.outcome and str(end.outcome), end.message, end.value)
            for case, end in ends.items()
            if end.value is None or end.value.numel() <= MAX_NUMBERS
        }
        with suppress(OSError), whole(self._file(mutant)) as file:
            torch.save(plain, file)

    def _file(self, mutant: str) -> Path:
        return self.folder / f"{mutant}.pt"
