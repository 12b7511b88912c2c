# Given: made from kit.py of a10_detectors with its answers. There is nothing to write here.
"""Given: RoI Align, backbones, and the training loop of assignments 10 and 11. There is nothing to write here.

The networks use the fast RoI Align below, not the one of `roi_pooling.py`. So a mistake there costs only its own
points. Boxes are (x1, y1, x2, y2), edges of pixels; regions are (number of the image, x1, y1, x2, y2).
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.captions import Vocabulary
from common.scenes import THINGS, Scene

__all__ = [
    "SingleMap",
    "TinyBackbone",
    "detect_all",
    "fast_roi_align",
    "to_images",
    "to_targets",
    "train_detector",
]

CAPTION_LENGTH = 13  # the longest caption of a scene


def fast_roi_align(features: Tensor, rois: Tensor, size: int | tuple[int, int], scale: float, ratio: int) -> Tensor:
    """RoI Align, made of `grid_sample`: fast, and autograd differentiates it with respect to the features.

    Args:
        features: (N, C, H, W) floating point.
        rois: (R, 5), (number of the image, x1, y1, x2, y2) in pixels of the image.
        size: (PH, PW), or one number for both.
        scale: cells of the map per pixel of the image, 1 / 8 for a map of stride 8.
        ratio: points per bin along each axis, >= 1.

    Returns:
        (R, C, PH, PW): in every bin the mean of ratio x ratio points, interpolated between the centres of cells. A
        point that is more than one cell outside of the outermost centres counts as 0, as in `roi_pooling.py`.

    Edge cases: R = 0 gives shape (0, C, PH, PW), still connected to the features. Regions get no gradient.
    """
    tall, wide = (size, size) if isinstance(size, int) else size
    height, width = features.shape[2:]
    rois = rois.detach().to(features.dtype)
    columns = _places(rois[:, 1], rois[:, 3], wide * ratio, scale)  # (R, wide * ratio), in index coordinates
    rows = _places(rois[:, 2], rois[:, 4], tall * ratio, scale)
    inside = _inside(rows, height)[:, :, None] & _inside(columns, width)[:, None, :]
    across, down = (2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1  # as grid_sample counts
    grid = torch.stack(torch.broadcast_tensors(across[:, None, :], down[:, :, None]), dim=-1)
    numbers = rois[:, 0].to(torch.int64)
    parts, order = [features.flatten()[:0].reshape(0, features.shape[1], tall * ratio, wide * ratio)], [numbers[:0]]
    for image in numbers.unique().tolist():
        mine = (numbers == image).nonzero().flatten()
        stacked = grid[mine].reshape(1, -1, wide * ratio, 2)  # regions below one another
        found = F.grid_sample(features[image : image + 1], stacked, padding_mode="border", align_corners=False)
        parts.append(found[0].unflatten(1, (len(mine), tall * ratio)).transpose(0, 1))
        order.append(mine)
    points = torch.cat(parts)[torch.cat(order).argsort()] * inside[:, None].to(features.dtype)
    return points.unflatten(3, (wide, ratio)).unflatten(2, (tall, ratio)).mean(dim=(3, 5))


def _places(start: Tensor, stop: Tensor, points: int, scale: float) -> Tensor:
    """Where the points of each region lie along an axis, (R, points), in index coordinates."""
    steps = (torch.arange(points, dtype=start.dtype, device=start.device) + 0.5) / points
    return (start[:, None] + steps * (stop - start)[:, None]) * scale - 0.5


def _inside(places: Tensor, length: int) -> Tensor:
    return (places >= -1) & (places <= length)


class TinyBackbone(nn.Module):
    """Three maps, of strides 4, 8 and 16, from residual blocks with batch normalization.

    Args:
        widths: channels of the stem and of the three maps. With the default it has 0.31 million parameters.

    Attributes:
        strides, channels: of the maps, finest first.
    """

    def __init__(self, widths: Sequence[int] = (16, 32, 64, 96)) -> None:
        super().__init__()
        self.strides, self.channels = (4, 8, 16), tuple(widths[1:])
        self.stem = _convolved(3, widths[0], stride=2)
        self.stages = nn.ModuleList(
            nn.Sequential(_Block(before, after, stride=2), *(_Block(after, after) for _ in range(extra)))
            for (before, after), extra in zip(pairwise(widths), (1, 1, 0), strict=True)
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """(N, 3, H, W) -> three maps (N, channels, H / stride, W / stride), sides rounded up, finest first."""
        x, maps = self.stem(images), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class SingleMap(nn.Module):
    """One map of stride 8, from three strided convolutions and four residual blocks.

    Args:
        channels: of the map. With the default it has 0.32 million parameters.
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        widths = (3, channels // 4, channels // 2, channels)
        strided = [_convolved(before, after, stride=2) for before, after in pairwise(widths)]
        self.layers = nn.Sequential(*strided, *(_Block(channels, channels) for _ in range(4)))

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, channels, H / 8, W / 8), sides rounded up."""
        return self.layers(images)


def _convolved(before: int, after: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU())


class _Block(nn.Module):
    """A residual block: two convolutions, and a shortcut around them."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.first = _convolved(before, after, stride)
        self.second = nn.Sequential(nn.Conv2d(after, after, 3, padding=1, bias=False), nn.BatchNorm2d(after))
        same = before == after and stride == 1
        around = nn.Sequential(nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after))
        self.around = nn.Identity() if same else around

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.second(self.first(x)) + self.around(x))


def to_images(scenes: Sequence[Scene]) -> Tensor:
    """Images for a network: (N, 3, H, W) float32 in [-0.5, 0.5]. No scenes: ValueError."""
    if not scenes:
        raise ValueError("no scenes")
    return torch.stack([torch.from_numpy(scene.image) for scene in scenes]).to(torch.float32) / 255 - 0.5


def to_targets(scenes: Sequence[Scene], extra: Sequence[str] = (), side: int = 24) -> list[dict[str, Tensor]]:
    """The true boxes and labels of scenes, as losses take them.

    Args:
        scenes: any number.
        extra: further truths: any of "masks", "captions" and "voxels".
        side: of the voxels' cube.

    Returns:
        One dict per scene: "boxes" (G, 4) float32, (x1, y1, x2, y2) of what is visible; "labels" (G,) int64 in [0, 3):
        cat, dog, duck. With masks, "masks" (G, H, W) bool; with captions, "captions" (G, 13) int64, words of
        `Vocabulary`, PAD behind; with voxels, "voxels" (G, side, side, side) bool with index [z, y, x]: x right, y
        down, z away from the viewer.
    """
    return [_target(scene, set(extra), side) for scene in scenes]


def _target(scene: Scene, extra: set[str], side: int) -> dict[str, Tensor]:
    boxes = torch.tensor([thing.box for thing in scene.things], dtype=torch.float32).reshape(-1, 4)
    labels = torch.tensor([THINGS.index(thing.kind) for thing in scene.things], dtype=torch.int64)
    target = {"boxes": boxes, "labels": labels}
    if "masks" in extra:
        masks = [torch.from_numpy(thing.mask) for thing in scene.things]
        target["masks"] = torch.stack(masks) if masks else torch.zeros(0, *scene.labels.shape, dtype=torch.bool)
    if "captions" in extra:
        words = Vocabulary()
        rows = [words.encode(thing.caption, CAPTION_LENGTH) for thing in scene.things]
        target["captions"] = torch.stack(rows) if rows else torch.zeros(0, CAPTION_LENGTH, dtype=torch.int64)
    if "voxels" in extra:
        grids = [torch.from_numpy(thing.voxels(side)).permute(2, 1, 0).flip(0, 1) for thing in scene.things]
        target["voxels"] = torch.stack(grids) if grids else torch.zeros(0, side, side, side, dtype=torch.bool)
    return target


def train_detector(
    model: nn.Module,
    scenes: Sequence[Scene],
    seconds: float,
    batch: int = 8,
    rate: float = 2e-3,
    seed: int = 0,
    *,
    steps: int | None = None,
    extra: Sequence[str] = (),
    watch: Callable[[float], object] | None = None,
) -> Tensor:
    """Train a detector: AdamW, 30 steps of warm-up, then a cosine; half of the images are mirrored.

    Args:
        model: called as `model(images, targets, anchor_priority, region_priority)` where it, or its `detector`, has an
            `rpn`; else as `model(images, targets)`. It returns its losses as one tensor, and their sum is minimized.
        scenes: of one size, at least as many as a batch.
        seconds: how long to train, in wall-clock time. A slow machine makes fewer steps.
        batch: images per step.
        rate: the largest learning rate. Weight decay is 1e-4; gradients are clipped to norm 5.
        seed: for the order of the images, the mirroring, and all priorities.
        steps: how many steps to train, in place of `seconds`. Then the same seed gives the same network.
        extra: as for `to_targets`, of "masks" and "voxels": captions cannot be mirrored.
        watch: called in evaluation mode with the seconds of training so far, after each eighth of the training. Its
            own time does not count.

    Returns:
        (steps, losses): the losses of every step. The model is left in evaluation mode.
    """
    chance = torch.Generator().manual_seed(seed)
    images, targets = to_images(scenes), to_targets(scenes, extra)
    priorities = _priorities(model, images[:1], batch, chance)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-4)
    model.train()
    history, looks, began, order = [], 0, time.perf_counter(), _endless(len(images), batch, chance)
    while (done := len(history) / steps if steps else (time.perf_counter() - began) / seconds) < 1:
        if watch and done >= (looks + 1) / 8:
            looks, began = looks + 1, began + _look(model, watch, time.perf_counter() - began)
        optimizer.param_groups[0]["lr"] = rate * min(1, (len(history) + 1) / 30) * (1 + math.cos(math.pi * done)) / 2
        chosen = next(order)
        mirrored = torch.rand(batch, generator=chance) < 0.5
        x = torch.where(mirrored[:, None, None, None], images[chosen].flip(3), images[chosen])
        truths = [
            _mirrored(targets[number], images.shape[3]) if mirror else targets[number]
            for number, mirror in zip(chosen.tolist(), mirrored.tolist(), strict=True)
        ]
        losses = model(x, truths, *priorities())
        optimizer.zero_grad()
        losses.sum().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        history.append(losses.detach())
    model.eval()
    if watch:
        watch(time.perf_counter() - began)
    return torch.stack(history)


def _look(model: nn.Module, watch: Callable[[float], object], seconds: float) -> float:
    """Call `watch`, and return the seconds that it took."""
    began = time.perf_counter()
    model.eval()
    watch(seconds)
    model.train()
    return time.perf_counter() - began


def _endless(count: int, batch: int, chance: torch.Generator) -> Iterator[Tensor]:
    """Batches of numbers below count. Each pass is in a new order, and leaves out what fills no batch."""
    while True:
        yield from torch.randperm(count, generator=chance)[: count - count % batch].split(batch)


def _priorities(
    model: nn.Module, image: Tensor, batch: int, chance: torch.Generator
) -> Callable[[], tuple[Tensor, ...]]:
    """Draws the priorities of a two-stage detector: uniform numbers for its anchors and for its regions."""
    detector = getattr(model, "detector", model)
    if not hasattr(detector, "rpn"):
        return lambda: ()
    if hasattr(detector, "num_anchors"):
        anchors = int(detector.num_anchors(*image.shape[2:]))
    else:
        detector.eval()
        with torch.no_grad():
            scores, _ = detector.rpn(detector.backbone(image))
        anchors = scores[0].numel() // 2
    return lambda: (torch.rand(batch, anchors, generator=chance), torch.rand(batch, 512, generator=chance))


def _mirrored(target: dict[str, Tensor], width: int) -> dict[str, Tensor]:
    """The target of the mirrored image: left is right."""
    boxes = target["boxes"]
    flipped = torch.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], dim=1)
    return target | {"boxes": flipped} | {key: target[key].flip(-1) for key in ("masks", "voxels") if key in target}


def detect_all(model: nn.Module, images: Tensor, batch: int = 25) -> list[dict[str, Tensor]]:
    """The detections of all images, by `model.detect`, `batch` images at a time."""
    return [found for some in images.split(batch) for found in model.detect(some)]
