"""What the networks' checks share: weights part by part, runs without them, detections as sets, and trained files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from slow_stages import iou

from autograder.checks import (
    CheckFailed,
    Draw,
    Proxy,
    assert_kind,
    assert_matches,
    dtype_counts,
    fetch,
    modules,
    plain_tensor,
    unpack,
)
from common.scenes import THINGS, draw_scenes

__all__ = [
    "KEYS",
    "answers",
    "assert_detections",
    "assert_detections_of_images",
    "assert_dtypes_of_images",
    "assert_gradient",
    "assert_same_gradients",
    "assert_same_module",
    "average_precision",
    "detected",
    "one_output",
    "scenes",
    "sorted_parts",
    "whole_numbers",
]

KEYS = ("boxes", "scores", "labels")
NO_LIST = "detect does not return a list with a dict for each image"


def assert_same_module(
    rng: Draw,
    theirs: Proxy,
    ours: Proxy,
    x: torch.Tensor,
    upstream: torch.Tensor,
    what: str,
    names: Sequence[str] = (),
    part: int = 0,
) -> None:
    """Fail unless a module computes what the reference's does on its weights, gradients included.

    Of an empty batch no gradient is asked for.

    Args:
        upstream: of the output, or of one of several.
        names: of several outputs.
        part: which of these is compared.
    """
    weights = modules.draw_weights(rng, ours, x)
    arriving: Any = upstream
    if names:
        arriving = [upstream if number == part else None for number in range(len(names))]
    runs = [
        modules.run(side, x, weights=weights, training=True, upstream=arriving if len(x) else None)
        for side in (theirs, ours)
    ]
    if names:
        runs, what = [one_output(run, names, part) for run in runs], f"{what} ({names[part]})"
    modules.assert_same_run(*runs, what=what)


def one_output(run: modules.Run, names: Sequence[str], part: int) -> modules.Run:
    """A run of which one output alone is compared, and the gradients that come from it."""
    output = unpack(run.output, *names)[part]
    return replace(run, output=output, attached=run.attached[part : part + 1], asked=run.asked[part : part + 1])


def whole_numbers(value: Any) -> Any:
    """A tensor of whole numbers as int64: the contracts take points for another dtype, and other checks do not."""
    kinds = (torch.int8, torch.int16, torch.int32)
    return value.to(torch.int64) if type(value) is torch.Tensor and value.dtype in kinds else value


def answers(found: modules.Run, wanted: modules.Run, what: str) -> None:
    """Fail unless outputs and the gradients of inputs are the same. Parameters are compared part by part, elsewhere."""
    bare = {"slots": (), "parameters": (), "buffers": ()}
    modules.assert_same_run(replace(found, **bare), replace(wanted, **bare), what=what)


def assert_same_gradients(found: modules.Run, wanted: modules.Run, what: str) -> None:
    """Fail unless every parameter of a network gets the reference's gradient.

    Parameters of one shape are told apart by their order of use; which shape is used first is up to the network.
    """
    sides = []
    for run in (found, wanted):
        slots = [slot for slot in run.slots if not slot.buffer]
        sides.append(sorted(zip(slots, run.parameters, strict=True), key=lambda pair: pair[0].shape))
    theirs, ours = sides
    if [slot.shape for slot, _ in theirs] != [slot.shape for slot, _ in ours]:
        raise CheckFailed(f"{what} has other parameters than its parts")
    for (_, gradient), (slot, right) in zip(theirs, ours, strict=True):
        name = f"the gradient of {what} with respect to a parameter of shape {slot.shape}"
        if gradient is None and right is not None:
            raise CheckFailed(f"{name} is missing: none arrived", "is something detached or frozen on the way?")
        if right is not None:
            assert_matches(gradient, right, what=name)


def assert_gradient(found: Any, wanted: torch.Tensor, loss: str) -> None:
    """Fail unless a gradient flowed back through a loss, and is this one."""
    if found is None:
        hint = "is something detached on the way?" if wanted.any() else "a loss over nothing is 0, and still connected"
        raise CheckFailed(f"no gradient flows through {loss}", hint)
    assert_matches(found, wanted, what=f"the gradient of {loss}")


def assert_detections(
    found: Any, wanted: Mapping[str, torch.Tensor], what: str = "the detections", keys: Sequence[str] = KEYS
) -> None:
    """Fail unless a dict of detections holds the same ones, in any order; then unless they come by falling score.

    `keys`: of which parts that is asked.
    """
    parts = _parts(found, what)
    for key in keys:
        given, like = _comparable(parts[key], wanted[key])
        assert_kind(given, like=like, what=f'"{key}"')
    if any(len(parts[key]) != len(wanted["scores"]) for key in KEYS):
        raise CheckFailed(f"boxes, scores and labels of {what} have other lengths than there are detections")
    for key in keys:
        mine, ours = (side[key][_order(side)] for side in (parts, wanted))
        assert_matches(*_comparable(mine, ours), what=f'"{key}" of {what}, sorted by label and score')
    scores = parts["scores"].tolist()
    if "scores" in keys and scores != sorted(scores, reverse=True):
        raise CheckFailed(f"{what} do not come by falling score", "the best of all labels first")


def _parts(found: Any, what: str) -> dict[str, torch.Tensor]:
    if type(found) is not dict:
        raise CheckFailed(f"{what} are not a dict of boxes, scores and labels")
    if missing := [key for key in KEYS if key not in found]:
        raise CheckFailed(f'{what} have no "{missing[0]}"')
    return {key: plain_tensor(found[key], f'"{key}" of {what}') for key in KEYS}


def _comparable(found: torch.Tensor, wanted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both in one dtype where only the dtype differs, for which one check of each question takes points.

    Whole numbers in place of boxes or scores are compared with the exact ones: they are other values.
    """
    if not wanted.is_floating_point():
        return whole_numbers(found), wanted
    if found.dtype in (torch.float16, torch.bfloat16):
        return found, wanted.to(found.dtype)
    whole = not found.is_floating_point() and not found.is_complex()
    return found.to(wanted.dtype) if whole else found, wanted


def sorted_parts(found: Any, what: str = "the detections") -> tuple[torch.Tensor, ...]:
    """Boxes, scores and labels of detections, sorted by label and score. Raises CheckFailed where they are none."""
    parts = _parts(found, what)
    if parts["scores"].dim() != 1 or any(part.shape[:1] != parts["scores"].shape for part in parts.values()):
        raise CheckFailed(f"boxes, scores and labels of {what} do not fit")
    order = _order(parts)
    return tuple(parts[key][order] for key in KEYS)


def assert_dtypes_of_images(found: Any, dtype: torch.dtype) -> None:
    """Fail unless boxes and scores that `detect` returned are of this dtype, and labels int64."""
    if type(found) not in (list, tuple):
        raise CheckFailed(NO_LIST)
    with dtype_counts():
        for each in found:
            for key, part in zip(KEYS, sorted_parts(each), strict=True):
                assert_kind(part, dtype=torch.int64 if key == "labels" else dtype, what=f'"{key}" of the detections')


def assert_detections_of_images(found: Any, wanted: Sequence[Mapping[str, torch.Tensor]]) -> None:
    """Fail unless `detect` returned a list with the detections of each image, as `assert_detections` compares them."""
    if type(found) not in (list, tuple) or len(found) != len(wanted):
        raise CheckFailed(NO_LIST)
    for mine, ours in zip(found, wanted, strict=True):
        assert_detections(mine, ours)


def detected(model: Proxy, images: torch.Tensor) -> Any:
    """What a network detects. Raises CheckFailed where that requires a gradient."""
    kept = modules.keep(model.detect, images)
    if any(tensor.requires_grad for tensor in modules.tensors(kept)):
        raise CheckFailed("what detect returns requires a gradient", "compute it within torch.no_grad()")
    return fetch(kept)


def _order(found: Mapping[str, torch.Tensor]) -> list[int]:
    if any(found[key].dim() != 1 or found[key].is_complex() for key in ("scores", "labels")):
        raise CheckFailed("scores or labels of the detections are not one real number for each")
    pairs = list(zip(found["labels"].tolist(), found["scores"].tolist(), strict=True))
    return sorted(range(len(pairs)), key=lambda index: (pairs[index][0], -pairs[index][1]))


def scenes(count: int, seed: int, height: int, width: int) -> tuple[torch.Tensor, list[dict[str, torch.Tensor]]]:
    """New scenes: images (N, 3, H, W) float32 as `to_images` makes them, and their truth, which stays here."""
    drawn = draw_scenes(count, seed, height=height, width=width)
    images = torch.stack([torch.from_numpy(scene.image) for scene in drawn]).to(torch.float32) / 255 - 0.5
    truths = [
        {
            "boxes": torch.tensor([thing.box for thing in scene.things], dtype=torch.float64).reshape(-1, 4),
            "labels": torch.tensor([THINGS.index(thing.kind) for thing in scene.things], dtype=torch.int64),
        }
        for scene in drawn
    ]
    return images, truths


def average_precision(detect: Callable[[torch.Tensor], Any], images: torch.Tensor, truths: Sequence[Any]) -> float:
    """The mean over labels of the average precision at IoU 0.5 of what a network detects. Everything is measured here.

    Raises:
        CheckFailed: what comes back are no detections.
    """
    found = []
    for batch in images.split(10):
        said = detect(batch)
        if type(said) not in (list, tuple) or len(said) != len(batch):
            raise CheckFailed(NO_LIST)
        found += [_trusted(each) for each in said]
    return sum(_precision(found, truths, label) for label in range(len(THINGS))) / len(THINGS)


def _trusted(said: Any) -> dict[str, list[Any]]:
    if type(said) is not dict or not set(KEYS) <= set(said):
        raise CheckFailed("detections are not a dict of boxes, scores and labels")
    parts = {key: plain_tensor(said[key], key).detach().cpu() for key in KEYS}
    count = len(parts["scores"]) if parts["scores"].dim() == 1 else -1
    shapes = {"boxes": (count, 4), "scores": (count,), "labels": (count,)}
    if any(parts[key].shape != shape for key, shape in shapes.items()) or count > 100:
        raise CheckFailed("boxes, scores and labels of detections do not fit, or are more than 100")
    if not all(bool(part.isfinite().all()) for part in parts.values()):
        raise CheckFailed("detections hold NaN or infinity", "did the training diverge?")
    return {key: part.tolist() for key, part in parts.items()}


def _precision(found: Sequence[dict[str, list[Any]]], truths: Sequence[Any], label: int) -> float:
    """The interpolated average precision of one label at 101 recalls."""
    hits, count = [], 0
    for answer, scene in zip(found, truths, strict=True):
        true = [
            box for box, name in zip(scene["boxes"].tolist(), scene["labels"].tolist(), strict=True) if name == label
        ]
        count += len(true)
        mine = [
            (s, b)
            for s, b, name in zip(answer["scores"], answer["boxes"], answer["labels"], strict=True)
            if name == label
        ]
        for score, box in sorted(mine, key=lambda pair: -pair[0]):
            overlaps = [iou(box, other) for other in true]
            hit = bool(overlaps) and max(overlaps) >= 0.5
            if hit:
                true.pop(overlaps.index(max(overlaps)))
            hits.append((score, hit))
    if not count:
        return 0.0
    right, curve = 0, []
    for accepted, (_, hit) in enumerate(sorted(hits, key=lambda pair: -pair[0]), start=1):
        right += hit
        curve.append((right / count, right / accepted))
    return sum(max((p for r, p in curve if r >= k / 100 - 1e-9), default=0.0) for k in range(101)) / 101
