"""Transposed convolution: the 1D example, the matrix and its transpose, images in both directions."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
import transposed_loops as loops
from segmentation_asks import assert_adjoint, assert_refused

from autograder.checks import (
    CheckFailed,
    Draw,
    Memo,
    Proxy,
    assert_kind,
    assert_matches,
    contracts,
    plain_number,
    unpack,
)

line_question = partial(pytest.mark.question, "transposed-1d")
matrix_question = partial(pytest.mark.question, "convolution-matrix")
transpose_question = partial(pytest.mark.question, "matrix-transpose")
forward_question = partial(pytest.mark.question, "transposed-forward")
backward_question = partial(pytest.mark.question, "transposed-backward")
plain_question = partial(pytest.mark.question, "plain-convolution")
every_contract = pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)

GRADIENTS = ("dx", "dw", "db")
# (L, K, stride)
LINES = {
    "overlap": (4, 3, 1),
    "stride-2": (5, 3, 2),
    "side-by-side": (3, 2, 2),
    "gaps": (3, 2, 4),
    "one-entry": (1, 4, 3),
    "one-weight": (4, 1, 2),
    "nothing": (0, 3, 2),
}
# All of a line; and of three only the beginning, whatever the length of the output.
BEGINNINGS = [pytest.param(line, False, id=id, marks=line_question()) for id, line in LINES.items()] + [
    pytest.param(LINES[id], True, id=f"{id}-beginning", marks=line_question(weight=0.8))
    for id in ("overlap", "stride-2", "gaps")
]
# (length, K, stride, padding)
MATRICES = {
    "slide-stride-1": (4, 3, 1, 1),
    "slide-stride-2": (4, 3, 2, 1),
    "no-padding": (6, 4, 1, 0),
    "leftover": (8, 3, 3, 0),
    "wide-padding": (3, 2, 1, 2),
    "one-window": (3, 5, 2, 1),
    "one-entry": (1, 1, 1, 0),
    "leftover-in-padding": (9, 4, 3, 2),
    "stride-3": (8, 4, 3, 1),
}
# Windows that end with the padded vector: how many rows there are is the matrix's affair.
WITHOUT_REST = ("slide-stride-1", "no-padding", "wide-padding", "one-window", "one-entry", "stride-3")
CONVOLVED = {id: MATRICES[id] for id in WITHOUT_REST} | {"stride-2": (7, 3, 2, 1), "stride-2-wide": (9, 5, 2, 1)}
# (C, F, HH, WW, stride, padding, output_padding, H, W)
GEOMETRIES = {
    "stride-1": (2, 3, 3, 3, 1, 0, 0, 4, 5),
    "all-at-once": (3, 2, 3, 2, 2, 1, 1, 3, 4),
    "even-filters": (1, 4, 4, 4, 2, 1, 0, 5, 3),
    "gaps": (2, 2, 1, 1, 3, 0, 2, 2, 3),
    "wide-filters": (2, 1, 2, 5, 1, 1, 0, 3, 3),
    "appended-beyond": (1, 1, 3, 3, 3, 2, 2, 4, 2),
    "one-pixel": (2, 3, 5, 4, 2, 1, 1, 1, 1),
}
BUSY = GEOMETRIES["all-at-once"]


def even(w: torch.Tensor) -> torch.Tensor:
    """A filter that reads alike in both directions: whether it is flipped is the affair of other checks."""
    return w + w.flip([axis for axis in range(w.dim()) if w.dim() == 1 or axis > 1])


def drawn(rng: Draw, geometry: tuple[int, ...], samples: int = 2) -> tuple[Any, ...]:
    """x, w, b and param."""
    channels, filters, tall, wide, stride, padding, extra, height, width = geometry
    x, w = rng.normal(samples, channels, height, width), rng.normal(channels, filters, tall, wide)
    return x, w, rng.normal(filters), {"stride": stride, "padding": padding, "output_padding": extra}


@pytest.mark.parametrize("geometry, beginning", BEGINNINGS)
def test_1d(student: Proxy, rng: Draw, memo: Memo, geometry: tuple[int, int, int], beginning: bool) -> None:
    """transposed_convolution_1d gives the right vector."""
    length, kernel, stride = geometry
    x, w = rng.normal(length), rng.normal(kernel)
    found, expected = student.transposed_convolution_1d(x, w, stride), memo(loops.transposed_1d, x, w, stride)
    if beginning:
        found, expected = assert_kind(found, dtype=x.dtype)[:length], expected[:length]
    assert_matches(found, expected)


@line_question(weight=0.75)
@pytest.mark.parametrize("stride", [0, -2])
def test_1d_refuses(student: Proxy, rng: Draw, stride: int) -> None:
    """transposed_convolution_1d refuses a stride below 1 with a ValueError."""
    x, w = rng.normal(3), rng.normal(2)
    assert_refused(lambda: student.transposed_convolution_1d(x, w, stride), "a stride below 1")


@line_question(weight=0.4)
@every_contract
def test_1d_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """transposed_convolution_1d obeys the rules for all functions: dtype kept, repeated calls, L = 0."""
    op = contracts.Operation(
        call=lambda x, w: student.transposed_convolution_1d(x, w, 2),
        oracle=lambda x, w: (memo(loops.transposed_1d, x, w, 2),),
        inputs=("x", "w"),
        outputs=("the output",),
        batched=("x",),
    )
    contract(student, op, [rng.normal(4), even(rng.normal(3))])


# What of a matrix is judged, and how much that weighs: its shape, the row on top, or all of it.
PARTS = {"shape": 0.6, "first-row": 1.0, "all": 0.6}


@pytest.mark.parametrize(
    "part", [pytest.param(part, marks=matrix_question(weight=weight)) for part, weight in PARTS.items()]
)
@pytest.mark.parametrize("geometry", MATRICES.values(), ids=MATRICES)
def test_matrix(student: Proxy, rng: Draw, memo: Memo, geometry: tuple[int, ...], part: str) -> None:
    """convolution_matrix gives the right matrix: its shape, its first row, all of it."""
    length, kernel, stride, padding = geometry
    w = rng.normal(kernel)
    wanted = memo(loops.convolution_matrix, w, length, stride, padding)
    found = student.convolution_matrix(w, length, stride, padding)
    if part == "shape":
        assert_kind(found, wanted.shape, w.dtype, what="the matrix")
    elif part == "first-row":
        assert_matches(assert_kind(found, dtype=w.dtype, what="the matrix")[:1], wanted[:1], what="the first row")
    else:
        assert_matches(found, wanted, what="the matrix")


@matrix_question(weight=0.3)
@pytest.mark.parametrize("geometry", CONVOLVED.values(), ids=CONVOLVED)
def test_convolve_by_matrix(student: Proxy, rng: Draw, memo: Memo, geometry: tuple[int, ...]) -> None:
    """convolve_by_matrix gives the convolution of a vector."""
    length, kernel, stride, padding = geometry
    x, w = rng.normal(length), rng.normal(kernel)
    wanted = memo(loops.convolution_1d, x, w, stride, padding)
    assert_matches(student.convolve_by_matrix(x, w, stride, padding), wanted)


@matrix_question(weight=1.0)
@pytest.mark.parametrize("length, kernel, padding", [(2, 3, 0), (1, 6, 2)], ids=["no-padding", "padding"])
def test_matrix_refuses(student: Proxy, rng: Draw, length: int, kernel: int, padding: int) -> None:
    """convolution_matrix refuses a filter that does not fit into the padded vector with a ValueError."""
    w = rng.normal(kernel)
    assert_refused(lambda: student.convolution_matrix(w, length, 1, padding), "a filter that does not fit")


@matrix_question(weight=0.2)
@every_contract
def test_matrix_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """convolution_matrix obeys the rules for all functions: filter unchanged, dtype kept, repeated calls."""
    op = contracts.Operation(
        call=lambda w: student.convolution_matrix(w, 7, 2, 1),
        oracle=lambda w: (memo(loops.convolution_matrix, w, 7, 2, 1),),
        inputs=("w",),
        outputs=("the matrix",),
        batched=(),
    )
    contract(student, op, [even(rng.normal(3))])


@matrix_question(weight=0.2)
@every_contract
def test_convolve_by_matrix_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """convolve_by_matrix obeys the rules for all functions: x unchanged, dtype kept, repeated calls."""
    w = even(rng.normal(3))

    def call(x: Any) -> Any:
        """The filter in the dtype of x; one that was placed on the other side is in float64."""
        return student.convolve_by_matrix(x, w.to(x.dtype) if type(x) is torch.Tensor else w, 1, 1)

    op = contracts.Operation(
        call=call,
        oracle=lambda x: (memo(loops.convolution_1d, x, w, 1, 1),),
        inputs=("x",),
        outputs=("the output",),
        batched=(),
    )
    contract(student, op, [rng.normal(6)])


@pytest.mark.parametrize(
    "geometry",
    [
        pytest.param(geometry, id=id, marks=transpose_question(weight=1.0 if geometry[3] else 1.5))
        for id, geometry in MATRICES.items()
    ],
)
def test_transposed_by_matrix(student: Proxy, rng: Draw, memo: Memo, geometry: tuple[int, ...]) -> None:
    """transposed_by_matrix gives the right vector."""
    length, kernel, stride, padding = geometry
    y, w = rng.normal(1 + (length + 2 * padding - kernel) // stride), rng.normal(kernel)
    w = even(w) if padding else w
    wanted = memo(loops.transposed_by_matrix, y, w, length, stride, padding)
    assert_matches(student.transposed_by_matrix(y, w, length, stride, padding), wanted)


@transpose_question(weight=0.4)
@every_contract
def test_transposed_by_matrix_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """transposed_by_matrix obeys the rules for all functions: inputs unchanged, dtype kept, repeated calls."""
    op = contracts.Operation(
        call=lambda y, w: student.transposed_by_matrix(y, w, 5, 2, 0),
        oracle=lambda y, w: (memo(loops.transposed_by_matrix, y, w, 5, 2, 0),),
        inputs=("y", "w"),
        outputs=("the output",),
        batched=(),
    )
    contract(student, op, [rng.normal(2), even(rng.normal(3))])


# Every geometry with all there is to get wrong, and for one image with even filters and without biases.
KINDS = [
    pytest.param(geometry, kind, id=f"{id}-{kind}", marks=forward_question(weight=1.0 if geometry[5] else 2.0))
    for id, geometry in GEOMETRIES.items()
    for kind in ("two-images", "even-without-biases")
]


@pytest.mark.parametrize("geometry, kind", KINDS)
def test_transposed(
    student: Proxy, reference: Proxy, rng: Draw, memo: Memo, geometry: tuple[int, ...], kind: str
) -> None:
    """transposed_convolution gives the right maps."""
    arguments = drawn(rng, geometry)
    if kind != "two-images":
        x, w, b, param = arguments
        arguments = x[:1], even(w), 0 * b, param
    found = student.transposed_convolution(*arguments)
    assert_matches(found, reference.transposed_convolution(*arguments))
    assert_matches(found, memo(loops.transposed_convolution, *arguments))


@forward_question(weight=1.0)
@pytest.mark.parametrize(
    "param",
    [
        {"stride": 2, "padding": 0, "output_padding": 2},
        {"stride": 1, "padding": 0, "output_padding": 1},
        {"stride": 1, "padding": 3, "output_padding": 0},
    ],
    ids=["output-padding-as-stride", "output-padding-with-stride-1", "nothing-left"],
)
def test_transposed_refuses(student: Proxy, rng: Draw, param: dict[str, int]) -> None:
    """transposed_convolution refuses an output padding that is too large, and an empty output, with a ValueError."""
    x, w, b = rng.normal(1, 2, 3, 3), rng.normal(2, 1, 3, 3), rng.normal(1)
    assert_refused(lambda: student.transposed_convolution(x, w, b, param), f"transposed_convolution with {param}")


def differentiable(param: dict[str, int], call: Any, memo: Memo, backward: bool) -> contracts.Operation:
    if backward:
        return contracts.Operation(
            call=lambda upstream, x, w, b: call(upstream, x, w, b, param),
            oracle=lambda upstream, x, w, b: memo(loops.gradients, upstream, x, w, b, param),
            inputs=("upstream", "x", "w", "b"),
            outputs=GRADIENTS,
            batched=("upstream", "x"),
        )
    return contracts.Operation(
        call=lambda x, w, b: call(x, w, b, param),
        oracle=lambda x, w, b: (memo(loops.transposed_convolution, x, w, b, param),),
        inputs=("x", "w", "b"),
        outputs=("the output",),
        batched=("x",),
    )


@forward_question(weight=0.25)
@every_contract
def test_transposed_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """transposed_convolution obeys the rules for all functions: inputs unchanged, dtype kept, repeated calls, N = 0."""
    x, w, b, param = drawn(rng, BUSY)
    contract(student, differentiable(param, student.transposed_convolution, memo, False), [x, w, b])


@backward_question(weight=0.5)
@pytest.mark.parametrize("wanted", GRADIENTS)
@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_transposed_backward(student: Proxy, rng: Draw, memo: Memo, geometry: tuple[int, ...], wanted: str) -> None:
    """transposed_convolution_backward gives the gradients of x, w and b; each is checked on its own."""
    x, w, b, param = drawn(rng, geometry)
    upstream = rng.normal(2, w.shape[1], *loops.output_size(x, w, param))
    found = unpack(student.transposed_convolution_backward(upstream, x, w, b, param), *GRADIENTS)
    expected = memo(loops.gradients, upstream, x, w, b, param)
    place = GRADIENTS.index(wanted)
    assert_matches(found[place], expected[place], what=wanted)


@backward_question()
def test_transposed_adjoint(student: Proxy, rng: Draw, memo: Memo) -> None:
    """dx is the transpose of transposed_convolution, to 12 digits in float64."""
    x, w, b, param = drawn(rng, GEOMETRIES["even-filters"])
    upstream = rng.normal(2, w.shape[1], *loops.output_size(x, w, param))
    dx, _, _ = unpack(student.transposed_convolution_backward(upstream, x, w, b, param), *GRADIENTS)
    forward = memo(loops.transposed_convolution, x, w, 0 * b, param)
    assert_adjoint(forward, upstream, x, dx, "dx", "transposed_convolution")


@backward_question(weight=0.4)
@every_contract
def test_transposed_backward_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """transposed_convolution_backward obeys the rules for all functions: dtype kept, repeated calls, N = 0."""
    x, w, b, param = drawn(rng, BUSY)
    upstream = rng.normal(2, w.shape[1], *loops.output_size(x, w, param))
    operation = differentiable(param, student.transposed_convolution_backward, memo, True)
    contract(student, operation, [upstream, x, w, b])


# (C, F, HH, WW, padding)
PLAIN = {
    "square": (2, 3, 3, 3, 0),
    "padded": (3, 2, 4, 4, 1),
    "wide-filters": (2, 4, 2, 5, 1),
    "one-channel": (1, 1, 3, 2, 1),
}


@plain_question(weight=0.5)
@pytest.mark.parametrize("part", ["filters", "padding", "convolution"])
@pytest.mark.parametrize("geometry", PLAIN.values(), ids=PLAIN)
def test_plain_convolution(student: Proxy, rng: Draw, memo: Memo, geometry: tuple[int, ...], part: str) -> None:
    """as_plain_convolution gives filters and a padding with which a plain convolution has the same output."""
    channels, filters, tall, wide, padding = geometry
    x, w, b = rng.normal(2, channels, 4, 5), rng.normal(channels, filters, tall, wide), rng.normal(filters)
    flipped, pads = unpack(student.as_plain_convolution(w, padding), "the filters", "the padding")
    if part != "padding":
        assert_matches(flipped, w.flip(2, 3).transpose(0, 1), what="the filters")
    if part == "filters":
        return
    rows, columns = (plain_number(one, "a padding") for one in unpack(pads, "p", "q"))
    if not all(one in range(9) for one in (rows, columns)):
        raise CheckFailed("the padding is not a pair (p, q) of whole numbers for rows and columns")
    if part == "padding":
        if (rows, columns) != (tall - 1 - padding, wide - 1 - padding):
            raise CheckFailed("the padding is not right for rows or for columns", "it depends on the filters' size")
        return
    wanted = memo(loops.transposed_convolution, x, w, b, {"stride": 1, "padding": padding, "output_padding": 0})
    found = loops.plain_convolution(x, flipped, b, (int(rows), int(columns)))
    assert_matches(found, wanted, what="the plain convolution with your filters and padding")


@plain_question(weight=0.2)
@every_contract
def test_plain_convolution_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """as_plain_convolution obeys the rules for all functions: filters unchanged, dtype kept, repeated calls."""
    op = contracts.Operation(
        call=lambda w: unpack(student.as_plain_convolution(w, 1), "the filters", "the padding")[0],
        oracle=lambda w: (w.flip(2, 3).transpose(0, 1),),
        inputs=("w",),
        outputs=("the filters",),
        batched=(),
    )
    w = rng.normal(2, 3, 3, 4)
    w = w + w.flip(2)
    contract(student, op, [w + w.flip(3)])  # alike in both directions of both axes


@plain_question(weight=0.5)
@pytest.mark.parametrize("shape", [(2, 3, 3, 4), (2, 3, 5, 3)], ids=["rows", "columns"])
def test_plain_convolution_refuses(student: Proxy, rng: Draw, shape: tuple[int, ...]) -> None:
    """as_plain_convolution refuses a padding that is too large with a ValueError."""
    w = rng.normal(*shape)
    assert_refused(lambda: student.as_plain_convolution(w, 3), "a padding that is too large")
