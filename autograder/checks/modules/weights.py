"""Puts the same weights into two modules, whatever their names.

The k-th tensor of a shape and a role takes the k-th value of that shape and role. The order is that of use in a
forward pass: by depth first (the number of operations with weights before it on the longest way from the input), then
by execution. So a shortcut has the same place before and after the main path. If two branches have weights of the same
shape, role and depth, the order of execution decides.

The kind of the layer, or the function that takes the tensor, gives the role. A tensor of unknown role (a bare parameter
in the submission's own arithmetic) takes a remaining value of its shape. Weights shared by layers count once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import prod

import torch

from autograder.checks.draw import Draw
from autograder.checks.modules.facts import ModuleFacts, TensorFacts
from autograder.errors import CheckFailed

__all__ = ["Weights", "draw_values", "match", "slots_of"]

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class Weights:
    """Values for a module's parameters and batch statistics, in the order of use in the module they were made for.

    Attributes:
        slots: the tensor that each value is for.
        values: one tensor per slot, of its shape.
    """

    slots: tuple[TensorFacts, ...]
    values: tuple[torch.Tensor, ...]

    @property
    def parameters(self) -> tuple[torch.Tensor, ...]:
        """The values of parameters alone."""
        return tuple(value for slot, value in zip(self.slots, self.values, strict=True) if not slot.buffer)

    @property
    def buffers(self) -> tuple[torch.Tensor, ...]:
        """The values of batch statistics alone."""
        return tuple(value for slot, value in zip(self.slots, self.values, strict=True) if slot.buffer)


def slots_of(facts: ModuleFacts) -> tuple[TensorFacts, ...]:
    """Parameters and batch statistics in the order of use; other buffers do not count."""
    buffers = [buffer for buffer in facts.buffers if buffer.role in STATISTICS]
    in_use = sorted(facts.parameters, key=lambda slot: slot.place)
    return (*in_use, *sorted(buffers, key=lambda slot: slot.place))


def draw_values(rng: Draw, slot: TensorFacts, dtype: torch.dtype) -> torch.Tensor:
    """Values that keep activations of order one; scales and variances away from one, shifts and means from zero."""
    shape = slot.shape
    if slot.role == "num_batches_tracked":
        return rng.integers(1, 9, shape)
    if slot.role in ("scale", "running_var"):
        return rng.uniform(*shape, low=0.5, high=1.5, dtype=dtype)
    if slot.role in ("shift", "bias", "running_mean") or len(shape) < 2:
        return rng.normal(*shape, scale=0.3, dtype=dtype)
    return rng.normal(*shape, scale=(2.0 / max(prod(shape[1:]), 1)) ** 0.5, dtype=dtype)


def match(
    wanted: Sequence[TensorFacts], facts: ModuleFacts, *, set_aside_biases: bool = False
) -> tuple[tuple[TensorFacts, ...], tuple[TensorFacts, ...]]:
    """For each wanted slot, the tensor of the module that takes it; and the tensors that were set aside.

    Args:
        set_aside_biases: accept biases that the task does not ask for, since they change no value if they are zero.
            Together they may have as many elements as the wanted slots.

    Raises:
        CheckFailed: a parameter is missing or there is one too many, by shape and number.
    """
    found = slots_of(facts)
    parts = [_paired([w for w in wanted if w.buffer is b], [f for f in found if f.buffer is b]) for b in (False, True)]
    pairs = {id(slot): tensor for part in parts for slot, tensor in part}
    used = {tensor.index for tensor in pairs.values()}
    missing = [slot for slot in wanted if id(slot) not in pairs]
    spare = [slot for slot in found if slot.index not in used and not slot.buffer]
    aside = tuple(slot for slot in spare if slot.role == "bias") if set_aside_biases else ()
    if sum(prod(slot.shape) for slot in aside) > sum(prod(slot.shape) for slot in wanted):
        aside = ()
    spare = [slot for slot in spare if slot not in aside]
    if missing or spare:
        failure = _mismatch(missing, spare, frozenset(size for slot in wanted for size in slot.shape))
        failure.value = facts.outline
        raise failure
    return tuple(pairs[id(slot)] for slot in wanted), aside


def _paired(wanted: list[TensorFacts], found: list[TensorFacts]) -> list[tuple[TensorFacts, TensorFacts]]:
    """Pairs of equal shape and role; then, if the role is unknown on one side, of equal shape."""
    pairs: list[tuple[TensorFacts, TensorFacts]] = []
    rest = list(found)
    for strict in (True, False):
        for slot in [slot for slot in wanted if not any(slot is done for done, _ in pairs)]:
            taker = next((tensor for tensor in rest if _fits(slot, tensor, strict)), None)
            if taker is not None:
                pairs.append((slot, taker))
                rest.remove(taker)
    return pairs


def _fits(slot: TensorFacts, tensor: TensorFacts, strict: bool) -> bool:
    if slot.shape != tensor.shape:
        return False
    return slot.role == tensor.role if strict else not (slot.role and tensor.role)


def _mismatch(missing: Sequence[TensorFacts], spare: Sequence[TensorFacts], sizes: Collection[int]) -> CheckFailed:
    lacks = [slot for slot in missing if not slot.buffer]
    if not lacks and not spare:
        what = _counted(missing, sizes)
        return CheckFailed(f"running statistics are missing: {what}", "is a batch normalization missing?")
    parts = [f"missing are {_counted(lacks, sizes)}"] if lacks else []
    parts += [f"too many are {_counted(spare, sizes)}"] if spare else []
    hint = "which layers, of which sizes, and with a bias or without, does the task ask for?"
    if lacks and not spare:
        hint = "a layer counts only as an attribute of a module, not in a plain list or dict"
    return CheckFailed(f"the module's parameters are not those asked for: {'; '.join(parts)}", hint)


def _counted(slots: Sequence[TensorFacts], sizes: Collection[int]) -> str:
    """`2 of shape (3,) (scale), 1 of shape (4, 3, 1, 1) (weight)`, not more than six kinds.

    A size that is not in `sizes`, those of the wanted module, is not shown: it may encode a hidden input.
    """
    kinds = Counter((_shape_text(slot.shape, sizes), slot.role) for slot in slots)
    words = [f"{count} of shape {shape}{f' ({role})' if role else ''}" for (shape, role), count in kinds.items()]
    return ", ".join(words[:6]) + (f", and {len(words) - 6} kinds more" if len(words) > 6 else "")


def _shape_text(shape: tuple[int, ...], sizes: Collection[int]) -> str:
    text = ", ".join(str(size) if size in sizes else "…" for size in shape)
    return f"({text},)" if len(shape) == 1 else f"({text})"
