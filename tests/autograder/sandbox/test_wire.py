"""Frames: the law decode(encode(x)) = x, and nothing but ProtocolError for bytes that are not a frame."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from autograder.errors import ProtocolError
from autograder.sandbox.channel import blobs, wire
from autograder.sandbox.channel.frames import CHUNK, FrameReader
from autograder.sandbox.channel.refs import Ref

FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
dtypes = st.sampled_from(list(blobs.NUMPY_DTYPES.values()))
arrays = dtypes.flatmap(lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, min_side=0, max_side=4)))
tensors = arrays.filter(lambda a: a.dtype.name in blobs.TORCH_DTYPES).map(lambda a: torch.from_numpy(a.copy()))
halves = st.lists(st.floats(width=16), max_size=5).map(lambda x: torch.tensor(x, dtype=torch.bfloat16))
refs = st.builds(Ref, st.none() | st.integers(0, 2**40), st.lists(names, max_size=3).map(tuple))
scalars = (
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats() | names | refs
    | st.sampled_from([torch.float32, torch.bool, torch.device("cpu"), torch.device("cuda", 1)])
)  # fmt: skip
values = st.recursive(
    scalars | arrays | tensors | halves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(names | st.integers(-9, 9), inner, max_size=4)
    ),
    max_leaves=12,
)


def frame(value: object) -> bytes:
    return b"".join(map(bytes, wire.encode(value)))


def same(a: Any, b: Any) -> bool:
    """Equal in type, structure and every bit that matters; NaN equals NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a.isnan(), b.isnan()) and bool(
            (a.eq(b) | a.isnan()).all()
        )  # fmt: skip
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(same, a.values(), b.values()))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return (a == b and math.copysign(1, a) == math.copysign(1, b)) or (math.isnan(a) and math.isnan(b))
    return bool(a == b)


@FUZZ
@given(values)
def test_what_goes_in_comes_out(value: Any) -> None:
    assert same(wire.decode(frame(value)), value)


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        wire.decode(data)


json_trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["tuple", "dict", "blob", "dtype", "device", "ref", "other"]), inner, max_size=2
    ),
    max_leaves=10,
)  # fmt: skip
blob_lists = st.lists(
    st.tuples(
        st.sampled_from(["torch", "numpy", "pickle"]),
        st.sampled_from([*blobs.TORCH_DTYPES, "object"]),
        st.lists(st.integers(-1, 3) | st.integers(), max_size=4),
    )
    | json_trees,
    max_size=3,
)


@FUZZ
@given(json_trees, blob_lists | json_trees, st.binary(max_size=64))
def test_any_header_is_refused_or_read(tree: Any, blobs: Any, body: bytes) -> None:
    header = json.dumps({"value": tree, "blobs": blobs}).encode()
    data = wire.PREFIX.pack(b"AGF1", len(header), len(body)) + header + body
    try:
        value = wire.decode(data)
    except ProtocolError:
        return
    assert same(wire.decode(frame(value)), value)


@FUZZ
@given(values, st.integers(0, 2**16), st.integers(0, 255))
def test_a_damaged_frame_is_refused_or_read(value: Any, position: int, byte: int) -> None:
    data = bytearray(frame(value))
    data[position % len(data)] = byte
    try:
        again = wire.decode(bytes(data))
    except ProtocolError:
        return
    frame(again)


@FUZZ
@given(values, st.integers(0, 2**16))
def test_a_truncated_frame_is_refused(value: Any, length: int) -> None:
    data = frame(value)
    with pytest.raises(ProtocolError):
        wire.decode(data[: length % len(data)])


def header_of(value: Any, blobs: Any = ()) -> bytes:
    return json.dumps({"value": value, "blobs": list(blobs)}).encode()


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"value":' + b"[" * 3000 + b"]" * 3000 + b',"blobs":[]}',
        header_of([[]] * (wire.MAX_NODES + 1)),
        header_of(None, [["torch", "float32", [0]]] * (wire.MAX_BLOBS + 1)),
        b'{"value":' + b"9" * 5000 + b',"blobs":[]}',
        header_of("\ud800"),
        header_of({"dict": [["\ud800", 1]]}),
        header_of({"dict": [[None, 1]]}),
        header_of({"dict": [[True, 1]]}),
        header_of({"blob": 0}),
        header_of({"blob": -1}, [["torch", "float32", [0]]]),
        header_of({"blob": True}, [["torch", "float32", [0]]] * 2),
        header_of({"ref": ["1", []]}),
        header_of({"device": "no such device"}),
        header_of({"tuple": "abc"}),
        header_of(None, [["torch", "float32", [0, 1 << 39, 1 << 39]]]),
        header_of(None, [["torch", "float32", [0] * 65]]),
        b'{"value": 1, "blobs": [], "more": 1}',
        b"\xff\xfe",
    ],
)
def test_headers_that_mean_harm(header: bytes) -> None:
    def never(buffers: list[memoryview]) -> None:
        assert not buffers

    with pytest.raises(ProtocolError):
        wire.read_frame(header, 0, never)


def test_a_size_is_refused_before_anything_is_read() -> None:
    with pytest.raises(ProtocolError):
        wire.parse_prefix(wire.PREFIX.pack(b"AGF1", 10, 1 << 60))
    with pytest.raises(ProtocolError):
        wire.parse_prefix(wire.PREFIX.pack(b"AGF1", (1 << 32) - 1, 0))
    with pytest.raises(ProtocolError, match="add up"):
        wire.read_frame(header_of({"blob": 0}, [["torch", "float64", [1 << 20, 1 << 20]]]), 8, lambda buffers: None)


def test_a_bool_that_is_neither_true_nor_false() -> None:
    header = header_of({"blob": 0}, [["torch", "bool", [2]]])
    with pytest.raises(ProtocolError, match="bool"):
        wire.decode(wire.PREFIX.pack(b"AGF1", len(header), 2) + header + b"\x01\x02")


def in_pieces(data: bytes, most: int) -> FrameReader:
    """A reader of these bytes, of which no read brings more than `most`."""
    rest = memoryview(data)

    def receive(buffers: list[memoryview]) -> int:
        nonlocal rest
        if not rest:
            raise EOFError
        count = min(most, len(buffers[0]), len(rest))
        buffers[0][:count] = rest[:count]
        rest = rest[count:]
        return count

    return FrameReader(receive)


@pytest.mark.parametrize("most", [1, 7, 100, CHUNK, 1 << 30])
def test_frames_are_read_however_they_are_cut(most: int) -> None:
    values = [[1, (torch.arange(12.0).reshape(3, 4), Ref(3, ("a",)))], {"x": np.ones((0, 2))}, torch.tensor([True])]
    if most > 7:
        values += [torch.arange(CHUNK), "between", {"small": torch.zeros(3), "large": np.arange(2 * CHUNK)}, "last"]
    reader = in_pieces(b"".join(map(frame, values)), most)
    for value in values:
        assert same(reader.read(), value)
    assert not reader.ahead
    with pytest.raises(EOFError):
        reader.read()


@pytest.mark.parametrize("most", [7, 1 << 30])
def test_a_bad_frame_is_refused_however_it_is_cut(most: int) -> None:
    header = header_of({"blob": 0}, [["torch", "bool", [2]]])
    for data in (
        wire.PREFIX.pack(b"AGF1", len(header), 2) + header + b"\x01\x02",
        wire.PREFIX.pack(b"AGF1", len(header), 3) + header + b"\x01\x01\x01",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ):
        with pytest.raises(ProtocolError):
            in_pieces(data, most).read()


class Sneaky(torch.Tensor):
    pass


@pytest.mark.parametrize(
    "value",
    [
        torch.eye(2).to_sparse(),
        torch.empty(2, device="meta"),
        torch.ones(2).as_subclass(Sneaky),
        np.ma.masked_array(np.ones(2)),
        np.array([object()]),
        np.array(["text"]),
        {1.5: 1},
        {True: 1},
        {1, 2},
        b"bytes",
        type("Int", (int,), {})(3),
        object(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_does_not_cross(value: object) -> None:
    with pytest.raises(TypeError):
        wire.encode(value)


def test_what_is_too_much() -> None:
    deep: list[Any] = []
    for _ in range(40):
        deep = [deep]
    for value in (deep, 10**60, [0.123456789012345] * 400_000, "\ud800"):
        with pytest.raises(ValueError, match=r"too much|deep|digits|surrogates"):
            wire.encode(value)


def test_views_cross_as_their_elements() -> None:
    base = torch.arange(12.0).reshape(3, 4)
    for view in (
        base.T,
        base[:, ::2],
        base[0].expand(5, 4),
        base[:, 1:2][:1],
        torch.empty(0, 4)[:, ::2],
        torch.ones(2, dtype=torch.complex64).conj(),
        base[1, 1],
    ):
        assert same(wire.decode(frame(view)), view.resolve_conj().clone())
    assert same(wire.decode(frame(np.arange(6, dtype=">i4")[::2])), np.arange(6, dtype="i4")[::2])


def test_what_arrives_is_not_shared() -> None:
    first, second = wire.decode(frame((torch.zeros(3), torch.zeros(3))))
    first += 1
    assert second.sum() == 0
    assert first.untyped_storage().nbytes() == 12


def test_a_gradient_does_not_cross() -> None:
    assert not wire.decode(frame(torch.ones(2, requires_grad=True))).requires_grad
