"""Where to look: sliding boxes, components of pixels, and regions that grow together. All in this file is
deterministic.

Where rounding could decide between two ways to go on, a check draws another image: see `clear`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import slow_regions
import torch

from autograder.checks import CheckFailed, Draw, Memo, Proxy, assert_kind, assert_matches, contracts, dtype_counts

sliding_question = partial(pytest.mark.question, "sliding-boxes")
graph_question = partial(pytest.mark.question, "graph-segmentation")
search_question = partial(pytest.mark.question, "selective-search")

# A decision by a smaller margin could go the other way in other arithmetic.
CLOSE = 1e-5

SLIDES = {
    "every-position": ((4, 6), (2, 3), 1),
    "every-second": ((7, 10), (2, 3), 2),
    "uneven": ((8, 11), (3, 2), 4),
    "as-large-as-the-image": ((5, 7), (5, 7), 3),
    "too-tall": ((4, 9), (5, 2), 1),
    "too-wide": ((9, 4), (2, 5), 1),
    "square-box": ((6, 9), (3, 3), 1),
    "square-box-strided": ((7, 12), (3, 3), 3),
    "single-pixels": ((3, 4), (1, 1), 1),
    "square-box-too-tall": ((4, 9), (5, 5), 1),
}


def in_floats(boxes: Any) -> Any:
    """Whole numbers are right, too, but where a check asks for float32."""
    whole = type(boxes) is torch.Tensor and not boxes.is_floating_point() and not boxes.is_complex()
    return boxes.to(torch.float32) if whole else boxes


@sliding_question()
@pytest.mark.parametrize("part", ("corners", "boxes"))
@pytest.mark.parametrize("case", SLIDES.values(), ids=SLIDES)
def test_sliding(student: Proxy, case: tuple[tuple[int, int], tuple[int, int], int], part: str) -> None:
    """sliding_boxes gives all positions of a box, row by row; upper left corners are checked on their own, too."""
    found, wanted = in_floats(student.sliding_boxes(*case)), slow_regions.slid(*case)
    if part == "corners":
        found, wanted = assert_kind(found, wanted.shape, what="the boxes")[:, :2], wanted[:, :2]
    assert_matches(found, wanted, what="the boxes")


@sliding_question(weight=2.0)
def test_sliding_dtype(student: Proxy) -> None:
    """sliding_boxes gives float32."""
    with dtype_counts():
        assert_kind(student.sliding_boxes((4, 6), (2, 3), 2), dtype=torch.float32, what="the boxes")


def flat(*rows: str) -> torch.Tensor:
    """An image of flat colours, one letter a pixel: a to e, from black to white."""
    values = [[(ord(letter) - ord("a")) / 4 for letter in row] for row in rows]
    grey = torch.tensor(values, dtype=torch.float64)
    return torch.stack([grey, 1 - grey, grey / 2])


def noisy(rng: Draw, height: int, width: int, spread: float = 0.06) -> torch.Tensor:
    """Patches of a few colours, with noise: no two edges weigh the same."""
    colours = rng.uniform(3, 3, 4, low=0.15, high=0.85)
    patches = colours.repeat_interleave(-(-height // 3), dim=1).repeat_interleave(-(-width // 4), dim=2)
    return (patches[:, :height, :width] + rng.normal(3, height, width, scale=spread)).clamp(0.01, 0.99)


def clear(rng: Draw, draw: Callable[[Draw], torch.Tensor], decide: Callable[[torch.Tensor], Any]) -> torch.Tensor:
    """An image on which no decision is a close one. `decide` gives what is decided, and by what margin."""
    return rng.until(draw, lambda image: decide(image)[1] > CLOSE)


Segmentation = tuple[torch.Tensor, float, int]  # image, scale, min_size

SEGMENTATIONS: dict[str, Callable[[Draw], Segmentation]] = {
    "flat-colours": lambda rng: (flat("aaaccee", "aaaccee", "bbbbbee"), 0.01, 1),
    "nothing-joins": lambda rng: (flat("abc", "dea"), 0.0, 1),
    "only-equals-join": lambda rng: (flat("aabb", "aabc", "ddbb"), 0.0, 1),
    "one-pixel": lambda rng: (flat("c"), 1.0, 1),
    "one-row": lambda rng: (noisy(rng, 1, 17), 0.3, 1),
    "small-scale": lambda rng: (noisy(rng, 12, 16), 0.1, 1),
    "middle-scale": lambda rng: (noisy(rng, 12, 16), 0.6, 1),
    "large-scale": lambda rng: (noisy(rng, 12, 16), 2.5, 1),
    "second-pass": lambda rng: (noisy(rng, 12, 16), 0.1, 6),
    "second-pass-of-flat": lambda rng: (flat("aaaae", "aaaca", "aaacc"), 0.01, 4),
    "tall-image": lambda rng: (noisy(rng, 24, 9), 0.5, 5),
}


@graph_question()
@pytest.mark.parametrize("draw", SEGMENTATIONS.values(), ids=SEGMENTATIONS)
def test_components(student: Proxy, rng: Draw, memo: Memo, draw: Callable[[Draw], Segmentation]) -> None:
    """graph_segmentation finds the right components, whatever their numbers."""
    found, wanted = segmented(student, rng, memo, draw)
    _, places = renumbered(found).unique(return_inverse=True)
    assert_matches(places, renumbered(wanted), what="the components, numbered anew")


def segmented(student: Proxy, rng: Draw, memo: Memo, draw: Callable[[Draw], Segmentation]) -> tuple[torch.Tensor, ...]:
    image, scale, min_size = draw(rng)
    if float(image[0, 0, 0]) not in (0.0, 0.5):  # noise
        image = clear(
            rng, lambda rng: draw(rng)[0], lambda image: memo(slow_regions.components, image, scale, min_size)
        )
    wanted, _ = memo(slow_regions.components, image, scale, min_size)
    found = student.graph_segmentation(image, scale, min_size)
    assert_kind(found, like=wanted, what="the labels")
    return found, wanted


def renumbered(labels: torch.Tensor) -> torch.Tensor:
    """Components by the place of their first pixel, in reading order."""
    numbers: dict[int, int] = {}
    return torch.tensor([numbers.setdefault(label, len(numbers)) for label in labels.flatten().tolist()]).reshape(
        labels.shape
    )


@graph_question(weight=2.0)
@pytest.mark.parametrize("name", ("flat-colours", "middle-scale"))
def test_numbers(student: Proxy, rng: Draw, memo: Memo, name: str) -> None:
    """graph_segmentation numbers the components in reading order."""
    found, _ = segmented(student, rng, memo, SEGMENTATIONS[name])
    assert_matches(found, renumbered(found), what="the numbers of the components")


SINGLE = contracts.battery({"takes-an-empty-batch": "a single image: there is no batch that could be empty"})


@graph_question(weight=0.5)
@pytest.mark.parametrize("contract", SINGLE, ids=str)
def test_components_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """graph_segmentation obeys the rules for all functions: image unchanged, int64 labels, repeated calls."""
    image = clear(rng, lambda rng: noisy(rng, 6, 8), lambda image: memo(slow_regions.components, image, 0.4, 3))

    def renumber(found: Any) -> Any:
        """The numbering is asked apart."""
        return renumbered(found) if type(found) is torch.Tensor and found.dtype is torch.int64 else found

    operation = contracts.Operation(
        call=lambda image: renumber(student.graph_segmentation(image, 0.4, 3)),
        oracle=lambda image: (slow_regions.components(image, 0.4, 3)[0],),
        inputs=("image",),
        outputs=("the labels",),
        batched=(),
    )
    contract(student, operation, (image,))


def quilt(rows: int, columns: int, side: int) -> torch.Tensor:
    """Labels of rows x columns squares."""
    numbers = torch.arange(rows * columns).reshape(rows, columns)
    return numbers.repeat_interleave(side, dim=0).repeat_interleave(side, dim=1)


def patchwork(rng: Draw, height: int, width: int) -> torch.Tensor:
    """Labels of regions of many shapes and sizes, numbered in reading order; none of one pixel only."""
    image = noisy(rng, height, width, spread=0.08)
    return slow_regions.components(image, 0.15, 7)[0]


Search = tuple[torch.Tensor, torch.Tensor, int]  # image, labels, min_side


def stripes() -> Search:
    """Four stripes of one size whose histograms have nothing in common: every choice is a tie."""
    return (
        flat(*["aabbccdd"] * 8) * torch.tensor([1.0, 0.0, 0.0]).double()[:, None, None] + 0.1,
        quilt(1, 4, 2).repeat(4, 1),
        1,
    )


def diagonal() -> Search:
    """Squares 0 and 3 have a corner in common, and no edge: they are no neighbours, though of one colour."""
    return flat("aaaabbbb", *["aaaabbbb"] * 3, *["ccccaaaa"] * 4), quilt(2, 2, 4), 1


def enclosed(rng: Draw) -> Search:
    """A square within a square: joined, it has the box of the outer one, which is not proposed again."""
    labels = torch.zeros(12, 14, dtype=torch.int64)
    labels[3:9, 4:11] = 1
    return noisy(rng, 12, 14), labels, 1


def unequal(rng: Draw) -> Search:
    """Sixteen patches from 1 x 1 to 6 x 7 pixels: whose histogram counts how much decides what is joined next."""

    def decides(search: Search) -> bool:
        wanted, plain = (slow_regions.proposals_of(*search, weighed=weighed)[0] for weighed in (True, False))
        return sorted(wanted.tolist()) != sorted(plain.tolist())

    return rng.until(_unequal, decides)


def _unequal(rng: Draw) -> Search:
    rows, columns = (torch.arange(4).repeat_interleave(torch.tensor(sides)) for sides in ([1, 5, 2, 6], [1, 6, 2, 7]))
    labels = 4 * rows[:, None] + columns
    image = rng.uniform(3, 16)[:, labels] + rng.normal(3, 14, 16, scale=0.1)
    return image.clamp(0.01, 0.99), labels, 1


SEARCHES: dict[str, Callable[[Draw], Search]] = {
    "patchwork": lambda rng: (noisy(rng, 16, 20), patchwork(rng, 16, 20), 1),
    "tall-patchwork": lambda rng: (noisy(rng, 24, 10), patchwork(rng, 24, 10), 1),
    "small-boxes-left-out": lambda rng: (noisy(rng, 16, 20), patchwork(rng, 16, 20), 6),
    "unequal-sizes": unequal,
    "quilt": lambda rng: (noisy(rng, 12, 16), quilt(3, 4, 4), 4),
    "ties": lambda rng: stripes(),
    "diagonal": lambda rng: diagonal(),
    "enclosed": enclosed,
    "one-region": lambda rng: (noisy(rng, 7, 9), torch.zeros(7, 9, dtype=torch.int64), 6),
    "nothing-large-enough": lambda rng: (noisy(rng, 4, 5), quilt(1, 1, 5)[:4], 6),
}


@search_question()
@pytest.mark.parametrize("part", ("of-labels", "of-joined"))
@pytest.mark.parametrize("name", SEARCHES)
def test_proposals(student: Proxy, rng: Draw, memo: Memo, name: str, part: str) -> None:
    """selective_search proposes the right boxes, of given regions and of joined ones; each is checked on its own."""
    image, labels, min_side, wanted = searched(rng, memo, name)
    found = proposals_in(student.selective_search(image, labels, min_side=min_side))
    given = boxes_of(labels)
    ours, theirs = (
        [row for row in boxes.tolist() if (tuple(row) in given) == (part == "of-labels")] for boxes in (wanted, found)
    )
    if part == "of-labels":  # their order is asked apart
        ours, theirs = sorted(ours), sorted(theirs)
    assert_matches(torch.tensor(theirs).reshape(-1, 4), torch.tensor(ours).reshape(-1, 4), what="the proposals")


@search_question(weight=2.0)
@pytest.mark.parametrize("name", ("patchwork", "quilt"))
def test_order_of_proposals(student: Proxy, rng: Draw, memo: Memo, name: str) -> None:
    """selective_search lists the regions in `labels` by number, before joined ones."""
    image, labels, min_side, wanted = searched(rng, memo, name)
    found = proposals_in(student.selective_search(image, labels, min_side=min_side)).tolist()
    given = boxes_of(labels)
    ours, theirs = ([row for row in boxes if tuple(row) in given] for boxes in (wanted.tolist(), found))
    if len(theirs) < 2:
        raise CheckFailed("hardly any region in `labels` is proposed")
    if found[: len(theirs)] != theirs:
        raise CheckFailed("a joined region is listed before one that is in `labels`")
    if sorted(theirs) == sorted(ours) and theirs != ours:
        raise CheckFailed("the regions in `labels` are not listed in order of their numbers")


def searched(rng: Draw, memo: Memo, name: str) -> tuple[torch.Tensor, torch.Tensor, int, torch.Tensor]:
    """image, labels, min_side and the wanted boxes of a search in which no choice is a close one, but for ties."""
    search = partial(memo, slow_regions.proposals_of)
    close = name in ("ties", "diagonal")
    image, labels, min_side = rng.until(SEARCHES[name], lambda drawn: close or search(*drawn)[1] > CLOSE)
    return image, labels, min_side, search(image, labels, min_side)[0]


def proposals_in(found: Any) -> torch.Tensor:
    """What a search returned, if these are boxes; their dtype is asked apart."""
    found = assert_kind(in_floats(found), dtype=torch.float32, what="the proposals")
    if found.dim() != 2 or found.shape[1] != 4:
        raise CheckFailed(f"the proposals have shape {tuple(found.shape)}, wanted (P, 4)")
    return found


def boxes_of(labels: torch.Tensor) -> set[tuple[int, int, int, int]]:
    """The boxes of the regions that a search begins with."""
    return {slow_regions.box_of(labels == number) for number in labels.unique().tolist()}


@search_question(weight=0.5)
@pytest.mark.parametrize("contract", SINGLE, ids=str)
def test_proposals_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """selective_search obeys the rules for all functions: image unchanged, float32 boxes, repeated calls."""
    labels = quilt(2, 3, 3)

    def decide(image: torch.Tensor) -> tuple[torch.Tensor, float]:
        """Of the image, and of its mirror image, which is asked about as well."""
        (found, margin), (_, mirrored) = (
            memo(slow_regions.proposals_of, each, labels, 3) for each in (image, image.flip(-1))
        )
        return found, min(margin, mirrored)

    image = clear(rng, lambda rng: noisy(rng, 6, 9), decide)
    operation = contracts.Operation(
        call=lambda image: _in_dtype(ordered(student.selective_search(image, labels, min_side=3)), image),
        oracle=lambda image: (ordered(slow_regions.proposals_of(image, labels, 3)[0]),),
        inputs=("image",),
        outputs=("the proposals",),
        batched=(),
        others=lambda image: (image.flip(-1),),
    )
    contract(student, operation, (image,))


def ordered(found: Any) -> Any:
    """Proposals sorted by their numbers: their order is asked apart."""
    if type(found) is not torch.Tensor or found.dim() != 2 or found.shape[1] != 4:
        return found
    return torch.tensor(sorted(found.tolist()), dtype=found.dtype).reshape(-1, 4)


def _in_dtype(found: Any, image: Any) -> Any:
    """Proposals are float32 whatever the image is; a contract compares in the dtype of the image."""
    if type(found) is torch.Tensor and found.dtype is torch.float32:
        return found.to(image.dtype if type(image) is torch.Tensor else torch.float64)
    return found
