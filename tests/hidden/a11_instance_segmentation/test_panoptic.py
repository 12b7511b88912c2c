"""Panoptic segmentation: the semantic branch, merging, counting, quality."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import slow_panoptic
import torch
from differentiated import compare_parameters, compare_runs, load_parts, whole_numbers

from autograder.checks import Draw, Proxy, assert_kind, assert_matches, contracts, modules, unpack

branch_question = partial(pytest.mark.question, "semantic-branch")
merge_question = partial(pytest.mark.question, "panoptic-merge")
quality_question = partial(pytest.mark.question, "panoptic-quality")

BRANCHES = {  # in_channels, width, num_classes, num_levels, stride; height and width of the finest map; images
    "three-levels": ((4, 5, 6, 3, 4), (8, 12), 2),
    "one-level": ((3, 4, 2, 1, 2), (5, 3), 1),
    "four-levels": ((3, 2, 3, 4, 1), (8, 16), 1),
    "one-channel-throughout": ((2, 2, 2, 2, 8), (2, 4), 3),
    "one-level-at-its-size": ((4, 3, 2, 1, 1), (4, 6), 2),
    "one-level-of-odd-size": ((2, 5, 3, 1, 1), (3, 7), 1),
}


@branch_question()
@pytest.mark.parametrize("arguments, size, images", BRANCHES.values(), ids=BRANCHES)
def test_branch(
    student: Proxy, reference: Proxy, rng: Draw, arguments: tuple[int, ...], size: tuple[int, int], images: int
) -> None:
    """The scores of a branch with given weights, and their gradients with respect to each map."""
    theirs, ours, maps, upstream = branches(student, reference, rng, arguments, size, images)
    compare_runs(theirs, ours, [maps], upstream, "SemanticBranch")


@branch_question()
def test_branch_parameters(student: Proxy, reference: Proxy, rng: Draw) -> None:
    """The gradients that arrive at the parameters of a branch, all of which it holds."""
    theirs, ours, maps, upstream = branches(student, reference, rng, *BRANCHES["three-levels"])
    compare_parameters(theirs, ours, [maps], upstream, "SemanticBranch")


def branches(
    student: Proxy, reference: Proxy, rng: Draw, arguments: tuple[int, ...], size: tuple[int, int], images: int
) -> tuple[Proxy, Proxy, list[torch.Tensor], torch.Tensor]:
    """Two branches with the same weights, maps, and the gradient that arrives at the scores."""
    channels, width, classes, levels, stride = arguments
    theirs = modules.assert_module(student.SemanticBranch(*arguments), "SemanticBranch()")
    ours = reference.SemanticBranch(*arguments)
    maps = [rng.normal(images, channels, size[0] // 2**level, size[1] // 2**level) for level in range(levels)]
    parts = [(theirs.scales[level], ours.scales[level], [maps[level]]) for level in range(levels)]
    load_parts(rng, [*parts, (theirs.predict, ours.predict, [rng.normal(1, width, 2, 2)])])
    upstream = rng.normal(images, classes, size[0] * stride, size[1] * stride)
    return theirs, ours, maps, upstream


Merge = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, int, dict[str, Any]]

STUFF, CLASSES = 3, 6


HIGH, WIDE = 32, 20  # two columns have 64 pixels, the least area of stuff unless a case says otherwise


def strips(*spans: tuple[int, int]) -> torch.Tensor:
    """(R, HIGH, WIDE) bool, in which the columns of a span are set."""
    x = torch.arange(WIDE)
    rows = [(x >= first) & (x < last) for first, last in spans]
    return torch.stack(rows)[:, None].repeat(1, HIGH, 1) if rows else torch.zeros(0, HIGH, WIDE, dtype=torch.bool)


def over(
    spans: tuple[tuple[int, int], ...], scores: list[float], semantic: torch.Tensor | None = None, **settings: Any
) -> Merge:
    background = torch.ones(HIGH, WIDE, dtype=torch.int64) if semantic is None else semantic
    classes = torch.tensor([STUFF + number % 3 for number in range(len(spans))], dtype=torch.int64)
    values = torch.tensor(scores, dtype=torch.float64)
    return strips(*spans), classes, values, background, STUFF, settings


def columns(*labels: tuple[int, int]) -> torch.Tensor:
    """(HIGH, WIDE) int64: labels, each for so many columns."""
    row = torch.cat([torch.full((count,), label) for label, count in labels])
    return row.repeat(HIGH, 1)


def anything(rng: Draw) -> Merge:
    """Outside of all masks, `semantic` says every class often enough, things too."""

    def draw(rng: Draw) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.stack([(rng.uniform(9, 13) < 0.15) for _ in range(5)]), rng.integers(0, CLASSES, (9, 13))

    def holds(case: tuple[torch.Tensor, torch.Tensor]) -> bool:
        left = case[1][~case[0].any(dim=0)]
        return int(left.bincount(minlength=CLASSES).min()) >= 6

    masks, semantic = rng.until(draw, holds)
    return masks, STUFF + rng.labels(5, 3), rng.uniform(5, low=0.3), semantic, STUFF, {"stuff_area": 6}


def one_pixel_left() -> Merge:
    """All of the second mask is taken but one pixel, and just so much may be."""
    masks, *others, _ = over(((0, 9), (7, 9)), [0.9, 0.8])
    masks[0, 5, 8] = False
    return masks, *others, {"overlap_threshold": 63 / 64}


def two_stuff_classes() -> Merge:
    """Class 2 is a thing here."""
    masks, _, scores, *_ = over(((0, 4), (6, 9)), [0.75, 0.9])
    return masks, torch.tensor([2, 4]), scores, columns((0, 5), (1, 5), (2, 10)), 2, {}


MERGES: dict[str, Callable[[Draw], Merge]] = {
    "anything": anything,
    "apart": lambda rng: over(((0, 5), (8, 12)), [0.6, 0.9]),
    # The second is left out for the first's sake, so the third, which would overlap the second, stays.
    "chain": lambda rng: over(((0, 8), (3, 11), (8, 16)), [0.9, 0.8, 0.7]),
    "exactly-half-is-taken": lambda rng: over(((0, 8), (4, 12)), [0.9, 0.8]),
    "a-small-one-in-a-large-one": lambda rng: over(((0, 16), (6, 8)), [0.8, 0.9]),
    "a-small-one-under-a-large-one": lambda rng: over(((0, 16), (6, 8)), [0.9, 0.8]),
    "nothing-left": lambda rng: over(((0, 8), (2, 6)), [0.9, 0.8], overlap_threshold=1.0),
    "one-pixel-left": lambda rng: one_pixel_left(),
    "two-stuff-classes": lambda rng: two_stuff_classes(),
    "other-area": lambda rng: over(((0, 4),), [0.9], columns((0, 6), (1, 1), (2, 13)), stuff_area=HIGH),
    "other-overlap": lambda rng: over(((0, 8), (6, 14)), [0.9, 0.8], overlap_threshold=0.125),
    "scores-at-the-threshold": lambda rng: over(((0, 4), (5, 9), (10, 14)), [0.5, 0.4375, 0.75]),
    "other-score-threshold": lambda rng: over(((0, 4), (5, 9)), [0.25, 0.75], score_threshold=0.25),
    "equal-scores": lambda rng: over(((0, 8), (2, 8), (1, 9)), [0.75, 0.75, 0.75]),
    "empty-masks": lambda rng: over(((3, 3), (5, 9)), [0.9, 0.8]),
    "stuff-just-large-enough": lambda rng: over(((0, 4),), [0.9], columns((0, 6), (1, 1), (2, 13))),
    "stuff-under-things": lambda rng: over(((0, 8),), [0.9], columns((2, 9), (0, 9), (1, 2))),
    "semantic-names-things": lambda rng: over(((0, 4),), [0.9], columns((4, 10), (0, 10))),
    "no-masks": lambda rng: over((), [], columns((1, 10), (2, 10))),
    "nothing-at-all": lambda rng: over((), [], columns((5, 20))),
}


@merge_question()
@pytest.mark.parametrize("part", ("segments", "segment_classes"))
@pytest.mark.parametrize("draw", MERGES.values(), ids=MERGES)
def test_merging(student: Proxy, rng: Draw, draw: Callable[[Draw], Merge], part: str) -> None:
    """The merged segments and their classes, for instances that overlap in many ways."""
    *arguments, settings = draw(rng)
    names = ("segments", "segment_classes")
    found = unpack(student.merge_panoptic(*arguments, **settings), *names)
    wanted = slow_panoptic.merged(*arguments, **settings)
    index = names.index(part)
    assert_matches(whole_numbers(found[index]), wanted[index], what=part)


@merge_question(weight=0.5)
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_merging_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    masks, classes, scores, semantic, stuff, settings = anything(rng)

    operation = contracts.Operation(
        call=lambda masks, classes, scores, semantic: student.merge_panoptic(
            masks, classes, scores, semantic, stuff, **settings
        ),
        oracle=lambda masks, classes, scores, semantic: slow_panoptic.merged(
            masks, classes, scores, semantic, stuff, **settings
        ),
        inputs=("masks", "classes", "scores", "semantic"),
        outputs=("segments", "segment_classes"),
        batched=("masks", "classes", "scores"),
        others=lambda masks, classes, scores, semantic: (~masks, classes, 1.3 - scores, semantic.flip(0)),
    )
    contract(student, operation, (masks, classes, scores, semantic))


Labelled = tuple[torch.Tensor, torch.Tensor]  # segments, their classes
Pair = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def labelled(rng: Draw, count: int, void: float) -> Labelled:
    """Segments of 12 x 16 pixels in tiles of 3 x 4, some of the pixels void."""
    tiles = rng.integers(1, count + 1, (4, 4)).repeat_interleave(3, dim=0).repeat_interleave(4, dim=1)
    tiles[0, :count] = torch.arange(1, count + 1)  # none is missing
    return tiles.masked_fill(rng.uniform(12, 16) < void, 0), rng.labels(count, CLASSES)


def nearly(rng: Draw, void: float = 0.1, noise: float = 0.3) -> Pair:
    """A prediction that is the truth but for some of its pixels and of its classes."""
    true, true_classes = labelled(rng, 6, void)
    found, classes = true.clone(), true_classes.clone()
    found[found == 0] = 3
    wrong = rng.uniform(12, 16) < noise
    found[wrong] = rng.integers(0, 7, (12, 16))[wrong]
    classes[2] = (classes[2] + 1) % CLASSES
    return found, classes, true, true_classes


def table(found: list[int], classes: list[int], true: list[int], true_classes: list[int]) -> Pair:
    return torch.tensor([found]), torch.tensor(classes), torch.tensor([true]), torch.tensor(true_classes)


def thirteen() -> Pair:
    """Segments of three pixels: one is not found, one has another class, and one takes a pixel of the next."""
    true = [number for number in range(1, 14) for _ in range(3)]
    found = [0, 0, 0, *true[3:24], 8, *true[25:]]
    classes = [number % CLASSES for number in range(13)]
    return table([*found, 13], [*classes[:10], classes[9], *classes[11:]], [*true, 0], classes)


def renumbered(rng: Draw) -> Pair:
    """Numbers in another order, and one that no pixel has."""
    found, classes, true, true_classes = nearly(rng)
    order = rng.distinct(6).argsort()
    place = torch.cat([torch.tensor([0]), 1 + order.argsort()])
    return place[found], torch.cat([classes[order], classes[:1]]), true, torch.cat([true_classes, true_classes[:1]])


COUNTS: dict[str, Callable[[Draw], Pair]] = {
    "nearly-right": nearly,
    "much-void": lambda rng: nearly(rng, void=0.5, noise=0.1),
    "two-labelings": lambda rng: (*labelled(rng, 5, 0.2), *labelled(rng, 7, 0.2)),
    "identity": lambda rng: (lambda one: (*one, *one))(labelled(rng, 6, 0.2)),
    "renumbered": renumbered,
    "many-segments": lambda rng: thirteen(),
    "exactly-one-half": lambda rng: table([1, 1, 1, 2, 2], [0, 1], [1, 1, 1, 1, 2], [0, 1]),
    "other-class": lambda rng: table([1, 1, 2, 2], [0, 1], [1, 1, 2, 2], [0, 2]),
    "void-in-the-truth": lambda rng: table([1, 1, 1, 1, 1], [4], [1, 1, 0, 0, 0], [4]),
    "void-in-the-prediction": lambda rng: table([1, 1, 0, 0, 2], [3, 4], [1, 1, 1, 1, 2], [3, 4]),
    "half-on-void": lambda rng: table([1, 1, 1, 1, 2], [0, 1], [0, 0, 2, 2, 1], [1, 5]),
    "mostly-on-void": lambda rng: table([1, 1, 1, 1, 2], [0, 1], [0, 0, 0, 2, 1], [1, 5]),
    "nothing-predicted": lambda rng: table([0, 0, 0], [], [1, 2, 2], [2, 2]),
    "nothing-true": lambda rng: table([1, 2, 2], [2, 2], [0, 0, 0], []),
}
NAMES = ("iou", "tp", "fp", "fn")


@quality_question()
@pytest.mark.parametrize("part", NAMES)
@pytest.mark.parametrize("draw", COUNTS.values(), ids=COUNTS)
def test_counts(student: Proxy, rng: Draw, draw: Callable[[Draw], Pair], part: str) -> None:
    """The summed IoU, matches, false positives and false negatives of each class."""
    segments, classes, true, true_classes = draw(rng)
    pair = (segments, classes.to(torch.int64), true, true_classes.to(torch.int64))
    found = unpack(student.panoptic_counts(*pair, CLASSES), *NAMES)
    index = NAMES.index(part)
    assert_matches(whole_numbers(found[index]), slow_panoptic.counts(*pair, CLASSES)[index], what=part)


@quality_question(weight=0.5)
@pytest.mark.parametrize(
    "contract",
    contracts.battery({"takes-an-empty-batch": "an image is no batch"}),
    ids=str,
)
def test_counts_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    operation = contracts.Operation(
        call=lambda segments, true: student.panoptic_counts(segments, classes, true, true_classes, CLASSES),
        oracle=lambda segments, true: slow_panoptic.counts(segments, classes, true, true_classes, CLASSES),
        inputs=("segments", "true_segments"),
        outputs=NAMES,
        batched=(),
    )
    segments, classes, true, true_classes = nearly(rng)
    contract(student, operation, (segments, true))


QUALITIES: dict[str, tuple[list[float], list[int], list[int], list[int]]] = {
    "several-classes": ([2.6, 0.8, 1.9], [4, 1, 2], [1, 0, 3], [0, 2, 2]),
    "worked": ([2 / 3], [1], [1], [1]),
    "no-matches": ([0.0, 0.9], [0, 1], [2, 0], [0, 0]),
    "only-missed": ([0.0], [0], [0], [3]),
    "classes-of-nothing": ([0.0, 0.7, 0.0], [0, 1, 0], [0, 0, 0], [0, 1, 0]),
}
QUALITY_NAMES = ("pq", "sq", "rq")


@quality_question()
@pytest.mark.parametrize("part", QUALITY_NAMES)
@pytest.mark.parametrize("columns", QUALITIES.values(), ids=QUALITIES)
def test_quality(student: Proxy, columns: tuple[list[float], list[int], list[int], list[int]], part: str) -> None:
    """Panoptic, segmentation and recognition quality of each class."""
    iou, *counts = columns
    arguments = (torch.tensor(iou, dtype=torch.float64), *(torch.tensor(column) for column in counts))
    found = unpack(student.panoptic_quality(*arguments), *QUALITY_NAMES)
    index = QUALITY_NAMES.index(part)
    assert_matches(found[index], slow_panoptic.quality(*columns)[index], what=part)


@quality_question(weight=0.2)
@pytest.mark.parametrize(
    "contract",
    contracts.battery(
        {
            "takes-an-empty-batch": "classes are no batch",
            "keeps-float32": "float64 whatever comes in: asked for apart",
        }
    ),
    ids=str,
)
def test_quality_contract(student: Proxy, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    operation = contracts.Operation(
        call=lambda iou, tp, fp, fn: student.panoptic_quality(iou, tp, fp, fn),
        oracle=lambda *columns: slow_panoptic.quality(*(column.tolist() for column in columns)),
        inputs=NAMES,
        outputs=QUALITY_NAMES,
        batched=(),
        others=lambda *columns: [column.flip(0) for column in columns],
    )
    iou, *counts = QUALITIES["several-classes"]
    contract(student, operation, (torch.tensor(iou, dtype=torch.float64), *(torch.tensor(one) for one in counts)))


@quality_question(weight=0.3)
@pytest.mark.parametrize("part", QUALITY_NAMES)
def test_quality_dtype(student: Proxy, part: str) -> None:
    """The three qualities are float64."""
    one = torch.ones(1, dtype=torch.int64)
    found = unpack(student.panoptic_quality(torch.tensor([0.75], dtype=torch.float64), one, one, one), *QUALITY_NAMES)
    assert_kind(found[QUALITY_NAMES.index(part)], (1,), torch.float64, what=part)
