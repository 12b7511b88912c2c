"""What a worker says that a cell put out is checked like everything else that it says."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from autograder.errors import ProtocolError
from autograder.sandbox.grader.displayed import read_cell


def png(width: int, height: int) -> np.ndarray[Any, Any]:
    content = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)
    return np.frombuffer(content, np.uint8)


def cell(*outputs: Any, left_out: Any = False) -> Any:
    return {"outputs": list(outputs), "left_out": left_out}


def shown(**data: Any) -> dict[str, Any]:
    return {"kind": "display", "data": data}


def test_outputs_become_a_notebooks() -> None:
    said = cell(
        {"kind": "stream", "name": "stdout", "text": "x"},
        {"kind": "result", "data": {"text/plain": "3", "image/png": png(4, 3)}},
        {"kind": "error", "name": "E", "text": "e", "trace": "a\nb"},
    )
    (stream, result, error), left_out = read_cell(said)
    assert stream == {"output_type": "stream", "name": "stdout", "text": "x"}
    assert result["output_type"] == "execute_result"
    assert result["data"]["text/plain"] == "3"
    assert result["data"]["image/png"].startswith("iVBORw0KGgo")
    assert error == {"output_type": "error", "ename": "E", "evalue": "e", "traceback": ["a", "b"]}
    assert not left_out


def test_an_image_keeps_its_alternative_text() -> None:
    image = {"image/png": png(4, 3), "alt": "A plot."}
    ((output,), _) = read_cell(cell(shown(**image)))
    assert output["metadata"] == {"image/png": {"alt": "A plot."}}
    assert output["data"].keys() == {"image/png"}
    ((output,), _) = read_cell(cell(shown(**image | {"alt": "x" * 5000})))
    assert len(output["metadata"]["image/png"]["alt"]) == 1000
    ((output,), _) = read_cell(cell(shown(**{"text/plain": "x", "alt": "A plot."})))
    assert (output["metadata"], output["data"]) == ({}, {"text/plain": "x"})


@pytest.mark.parametrize("image", [png(100_000, 100_000), png(0, 5), np.zeros(40, np.uint8), np.zeros(0, np.uint8)])
def test_an_image_that_is_none_or_would_unpack_to_a_huge_one_is_left_out(image: Any) -> None:
    assert read_cell(cell(shown(**{"image/png": image}))) == ([], True)


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {"outputs": []},
        cell(left_out=1),
        {"outputs": {}, "left_out": False},
        cell(*[shown(**{"text/plain": "x"})] * 66),
        cell(7),
        cell({"kind": "stream", "name": "stdin", "text": "x"}),
        cell({"kind": "stream", "name": "stdout", "text": 3}),
        cell({"kind": "stream", "name": "stdout", "text": "x" * 200_000}),
        cell(*[{"kind": "stream", "name": "stdout", "text": "x" * 10_000}] * 20),
        cell({"kind": "error", "name": "E", "text": "e"}),
        cell({"kind": "evil"}),
        cell({"kind": [], "data": {}}),
        cell(shown(**{"application/javascript": "alert(1)"})),
        cell(shown(**{"image/svg+xml": "<svg/>"})),
        cell(shown(**{"image/png": "text"})),
        cell(shown(**{"image/png": np.zeros(9, np.float64)})),
        cell(shown(**{"image/png": np.zeros(9 << 20, np.uint8)})),
        cell({"kind": "display", "data": {3: "x"}}),
        cell({"kind": "display", "data": {"alt": 3}}),
        cell({"kind": "display", "data": {"text/plain": "x"}, "more": 1}),
    ],
)
def test_what_is_no_output_is_refused(said: Any) -> None:
    with pytest.raises(ProtocolError):
        read_cell(said)
