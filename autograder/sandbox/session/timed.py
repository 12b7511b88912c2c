"""The worker's side of a timing: runs a call many times between two messages, and returns digests of the outputs.

It runs a plan of `sandbox.plan.record`. Each step of a plan calls an object of the session with inputs, earlier results
and plain data. The grader does not rely on the times that this side reports.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

import numpy as np
import torch

from autograder.sandbox.channel.refs import LOCAL, Ref
from autograder.sandbox.channel.tree import mapped
from autograder.sandbox.session.accelerator import Accelerator
from autograder.sandbox.session.plain import holds_items, plain_leaves

__all__ = ["MAX_OUTPUTS", "Bench"]

# mallopt(3)
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
MMAP_THRESHOLD, NEVER = 32 << 20, (1 << 31) - 1
MAX_OUTPUTS = 64  # tensors and numbers in the output of a call
Follow = Callable[[Any, tuple[str, ...]], Any]


class Bench:
    """The operations of a timing.

    Args:
        resolve, copied, hold, drop: the session's functions. They return the object of a ref, return a copy of a
            received value with refs replaced, keep an object, and drop it.
        follow: returns the object at the end of a path from another object.
    """

    def __init__(
        self,
        resolve: Callable[[Ref], Any],
        copied: Callable[[Any], Any],
        hold: Callable[[Any], Ref],
        drop: Callable[[Ref], None],
        follow: Follow,
    ) -> None:
        self._resolve, self._copied, self._hold, self._drop, self._follow = resolve, copied, hold, drop, follow
        self._accelerators: dict[str, Accelerator] = {}

    @property
    def operations(self) -> dict[str, Callable[..., Any]]:
        return {"lay": self.lay, "run": self.run, "digest": self.digest, "drop": self.drop}

    def lay(self, values: list[list[Any]], device: str) -> Ref:
        """Keep the inputs of some calls on a device. Each of `values` holds one call's."""
        _keep_pages()
        accelerator = self._on(device)
        kept = [[accelerator.take(self._copied(value)) for value in call] for call in values]
        accelerator.settle(flush=True)
        return self._hold(kept)

    def run(
        self, plan: dict[str, Any], inputs: list[Ref], device: str, chosen: list[list[int]], calls: list[int]
    ) -> dict[str, Any]:
        """Carry out a plan once for each of some calls.

        Args:
            plan: {"steps": [[ref, args, kwargs], …], "result": the value to keep}.
            inputs: lists that `lay` or an earlier `run` kept, with one item for each call.
            chosen: for each input of the plan, in order, [index in `inputs`, index of a value in the item], or [index
                in `inputs`] for the whole item.
            calls: the first call, and the one after the last.

        Returns:
            {"results": a ref to the list of kept values, "seconds": the time by the device's own clock, or None}.
        """
        _keep_pages()
        accelerator = self._on(device)
        lists = [self._resolve(ref) for ref in inputs]
        given = [[_chosen(lists, index, which) for which in chosen] for index in range(*calls)]
        seconds: list[float] = []
        with accelerator.clock(seconds.append):
            results = [self._carry_out(plan, call) for call in given]
        return {"results": self._hold(results), "seconds": seconds[0] if seconds else None}

    def digest(
        self, targets: list[Ref], weights: torch.Tensor, places: np.ndarray[Any, Any]
    ) -> list[list[dict[str, Any]]]:
        """Digests that show that every element of every output was computed.

        Args:
            targets: refs of the results of `run`.
            weights: (W,) float64, the weights of the sums over absolute values; each element enters a sum.
            places: (P,) large numbers; modulo the number of elements, they are the positions of samples.
        """
        results = [result for target in targets for result in self._resolve(target)]
        return [[_digest(value, weights, places) for value in _outputs(result)] for result in results]

    def drop(self, targets: list[Ref]) -> None:
        """Drop objects that earlier operations kept."""
        for target in targets:
            self._drop(target)

    def _on(self, device: str) -> Accelerator:
        if device not in self._accelerators:
            self._accelerators[device] = Accelerator(device)
        return self._accelerators[device]

    def _carry_out(self, plan: Mapping[str, Any], inputs: list[Any]) -> Any:
        local = list(inputs)

        def value(leaf: Any) -> Any:
            if type(leaf) is not Ref:
                return self._copied(leaf)
            if leaf.handle is None or leaf.handle < LOCAL:
                return self._resolve(leaf)
            return self._follow(local[leaf.handle - LOCAL], leaf.path)

        for target, args, kwargs in plan["steps"]:
            local.append(value(target)(*mapped(args, value), **mapped(kwargs, value)))
        result = mapped(plan["result"], value)
        return list(result) if isinstance(result, Iterator) else result  # compute the items of a lazy result now


def _keep_pages() -> None:
    """Stop glibc's allocator from returning memory to the kernel.

    Otherwise it may do so after each call, depending on the state of the heap. Equal code then takes up to twice the
    time, for whole seconds.
    """
    with suppress(OSError, TypeError, AttributeError):  # another system's library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD)
        mallopt(M_TRIM_THRESHOLD, NEVER)


def _chosen(lists: list[list[Any]], call: int, which: list[int]) -> Any:
    item = lists[which[0]][call]
    return item[which[1]] if len(which) > 1 else item


def _outputs(result: Any) -> list[Any]:
    """The tensors, arrays and numbers in a value, in order; also those in other objects that can be iterated over."""
    found = list(plain_leaves(result, 4))
    if len(found) == 1 and holds_items(found[0]):
        found = [leaf for item in islice(found[0], MAX_OUTPUTS + 1) for leaf in plain_leaves(item, 3)]
    if len(found) > MAX_OUTPUTS:
        raise ValueError(f"more than {MAX_OUTPUTS} outputs")
    return found


def _digest(value: Any, weights: torch.Tensor, places: np.ndarray[Any, Any]) -> dict[str, Any]:
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        value = torch.from_numpy(np.ascontiguousarray(value))
    if isinstance(value, (bool, int, float)):
        value = torch.tensor(value, dtype=torch.float64)
    if not isinstance(value, torch.Tensor):
        return {"kind": type(value).__name__[:80]}
    shape, dtype = tuple(value.shape), value.dtype
    flat = value.detach().reshape(-1)  # without a copy, which would take longer than the sums
    sums = torch.zeros(0, dtype=torch.float64)
    elements = flat[:0]
    if flat.numel() and not dtype.is_complex:
        elements = flat[torch.from_numpy(places % flat.numel()).to(flat.device)]
        sums = _sums(flat, weights)
    return {
        "kind": "Tensor",
        "shape": shape,
        "dtype": dtype,
        "sums": sums,
        "elements": elements.to("cpu", torch.float64),
    }


def _sums(flat: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted sums of absolute values over pieces as long as `weights`; the last piece may be shorter."""
    size = len(weights)
    like = flat.dtype if flat.dtype in (torch.float32, torch.float64) else torch.float32
    pieces, rest = flat[: len(flat) // size * size], flat[len(flat) // size * size :]
    weights = weights.to(flat.device, like)
    whole = pieces.to(like).abs().reshape(-1, size) @ weights
    part = rest.to(like).abs() @ weights[: len(rest)]
    return torch.cat([whole, part.reshape(1)]).to("cpu", torch.float64)
