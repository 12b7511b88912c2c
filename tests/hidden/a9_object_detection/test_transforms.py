"""Transforms of boxes: there, back, and the gradient; the laws; every contract."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import slow_boxes
import torch
from drawn_boxes import spread

from autograder.checks import Draw, Proxy, assert_kind, assert_matches, contracts, oracle_gradients

question = partial(pytest.mark.question, "box-transforms")


def transforms(rng: Draw, count: int) -> torch.Tensor:
    """Moves and stretches of order one, in either direction."""
    return rng.normal(count, 4, scale=0.7)


def cut(rng: Draw, count: int) -> torch.Tensor:
    """Stretches beyond the limit, along one axis or the other."""
    found = transforms(rng, count)
    found[0, 2], found[1, 3], found[2, 2:] = 4.5, 6.0, 9.0
    return found


@question()
@pytest.mark.parametrize("part", ("moves", "stretches"))
@pytest.mark.parametrize("count", (1, 6), ids=("one", "several"))
def test_encode(student: Proxy, rng: Draw, count: int, part: str) -> None:
    """encode_boxes gives the right moves (t_x, t_y) and stretches (t_w, t_h)."""
    proposals, targets = spread(rng, count), spread(rng, count)
    found, wanted = student.encode_boxes(proposals, targets), slow_boxes.encoded(proposals, targets)
    assert_kind(found, like=wanted)  # before parts of it are taken
    columns = slice(0, 2) if part == "moves" else slice(2, 4)
    assert_matches(found[:, columns], wanted[:, columns], what="(t_x, t_y)" if part == "moves" else "(t_w, t_h)")


DECODE: dict[str, Callable[[Draw, int], torch.Tensor]] = {
    "moves": lambda rng, n: transforms(rng, n) * torch.tensor([1.0, 1.0, 0.0, 0.0]),
    "stretches": lambda rng, n: transforms(rng, n) * torch.tensor([0.0, 0.0, 1.0, 1.0]),
    "both": transforms,
    "beyond-the-limit": cut,
    "far-below": lambda rng, n: transforms(rng, n) - torch.tensor([0.0, 0.0, 6.0, 7.0]),
}


@question()
@pytest.mark.parametrize("draw", DECODE.values(), ids=DECODE)
def test_decode(student: Proxy, rng: Draw, draw: Callable[[Draw, int], torch.Tensor]) -> None:
    """decode_boxes gives the right boxes."""
    proposals, t = spread(rng, 6), draw(rng, 6)
    assert_matches(student.decode_boxes(proposals, t), slow_boxes.decoded(proposals, t))


@question()
@pytest.mark.parametrize("draw", (transforms, cut), ids=("within-the-limit", "beyond-the-limit"))
@pytest.mark.parametrize("part", ("moves", "stretches"))
def test_decode_backward(student: Proxy, rng: Draw, draw: Callable[[Draw, int], torch.Tensor], part: str) -> None:
    """decode_boxes_backward gives the gradient of the formula."""
    proposals, t, upstream = spread(rng, 5), draw(rng, 5), rng.normal(5, 4)
    found = student.decode_boxes_backward(upstream, proposals, t)
    columns = slice(0, 2) if part == "moves" else slice(2, 4)
    wanted = oracle_gradients(lambda t: slow_boxes.decoded(proposals, t), [t], upstream)[0]
    assert_kind(found, like=wanted, what="the gradient")
    assert_matches(found[:, columns], wanted[:, columns], what="the gradient", rtol=1e-5, atol=1e-6)


@question()
@pytest.mark.parametrize("law", ("there-and-back", "back-and-there", "of-itself", "shifted", "scaled"))
def test_laws(student: Proxy, rng: Draw, law: str) -> None:
    """encode_boxes and decode_boxes keep the laws of their docstrings.

    Also where boxes differ much in size. Each law is asked together with another one, since functions that do nothing
    keep one of them: encode(p, b) = b and decode(p, t) = t lead there and back, and zeros stay when boxes are shifted.
    """
    p, b = spread(rng, 5, largest=4.0), spread(rng, 5, largest=60.0)
    p[0, 2:], b[0, 2:] = p[0, :2] + 1.0, b[0, :2] + 50.0
    t = transforms(rng, 5)
    if law == "back-and-there":
        assert_matches(student.encode_boxes(p, student.decode_boxes(p, t)), t, what="encode(p, decode(p, t))")
    else:
        assert_matches(student.decode_boxes(p, student.encode_boxes(p, b)), b, what="decode(p, encode(p, b))")
    if law == "of-itself":
        assert_matches(student.encode_boxes(p, p), torch.zeros_like(p), what="encode(p, p)")
    else:
        moved = [boxes * 3.0 if law == "scaled" else boxes + boxes.new_tensor([30.0, 7.0] * 2) for boxes in (p, b)]
        what = f"the transform of {'scaled' if law == 'scaled' else 'shifted'} boxes"
        assert_matches(student.encode_boxes(*moved), student.encode_boxes(p, b), what=what)


@question(weight=0.3)
@pytest.mark.parametrize("name", ("encode_boxes", "decode_boxes", "decode_boxes_backward"))
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_contract(student: Proxy, rng: Draw, contract: contracts.Contract, name: str) -> None:
    """The function obeys the rules for all functions: inputs unchanged, dtype kept, repeated calls, N = 0."""
    proposals, targets, t, upstream = spread(rng, 4), spread(rng, 4), transforms(rng, 4), rng.normal(4, 4)

    def backward(upstream: torch.Tensor, proposals: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return oracle_gradients(lambda t: slow_boxes.decoded(proposals, t), [t], upstream)[0]

    oracle, tensors, inputs = {
        "encode_boxes": (slow_boxes.encoded, (proposals, targets), ("proposals", "targets")),
        "decode_boxes": (slow_boxes.decoded, (proposals, t), ("proposals", "transforms")),
        "decode_boxes_backward": (backward, (upstream, proposals, t), ("upstream", "proposals", "transforms")),
    }[name]
    operation = contracts.Operation(
        call=lambda *arguments: getattr(student, name)(*arguments),
        oracle=lambda *arguments: (oracle(*arguments),),
        inputs=inputs,
        outputs=("the answer",),
        batched=inputs,
    )
    contract(student, operation, tensors)
