"""Outputs that say the same are told from those that do not."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from autograder.grading.notebooks.outputs import parting


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def plot(width: int, height: int) -> dict[str, Any]:
    content = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(8)
    return {"output_type": "display_data", "data": {"image/png": base64.encodebytes(content).decode()}}


SAME = [
    ("loss 0.5000", "loss 0.5004"),
    ("loss=0.5, acc=0.75;", "loss=0.501, acc=0.748;"),
    ("error 3e-09", "error 7e-08"),
    ("(Epoch 1 / 2) train acc: 0.512", "(Epoch 1 / 2) train acc:   0.510"),
    ("took 1.23 s", "took 45.1 s"),
    ("10 loops, best of 3: 12.3 ms per loop", "10 loops, best of 3: 999 µs per loop"),
    ("CPU times: user 3 ms\nx", "CPU times: user 12 s, sys: 1 s\nx"),
    ("<object at 0x7f00>", "<object at 0x7fff12>"),
    ("File /tmp/ipykernel_12/345.py", "File /submission/x.py"),
    ("\x1b[31mred\x1b[0m", "red"),
    ("nan", "nan"),
    ("-1.0 -2", "-1.0 -2"),
]
DIFFERENT = [
    ("loss 0.5", "loss 0.6", "loss 0.5", "loss 0.6"),
    ("passed", "failed", "passed", "failed"),
    ("one", "one two", "", "two"),
    ("one two", "one", "two", ""),
    ("1e3", "1e4", "1e3", "1e4"),
    ("3 layers", "4 layers", "3", "4"),
    ("", "something", "", "something"),
]


@pytest.mark.parametrize("one, other", SAME)
def test_same(one: str, other: str) -> None:
    assert parting([stream(one)], [stream(other)]) is None


@pytest.mark.parametrize("one, other, here, there", DIFFERENT)
def test_different(one: str, other: str, here: str, there: str) -> None:
    parted = parting([stream(one)], [stream(other)])
    assert parted is not None
    assert here in parted[0]
    assert there in parted[1]
    assert max(map(len, parted)) <= 60


def test_warnings_are_left_out() -> None:
    assert parting([stream("warning", "stderr"), stream("x")], [stream("x")]) is None


def test_plots_are_held_against_each_other_by_their_size() -> None:
    assert parting([plot(640, 480)], [plot(640, 480)]) is None
    assert parting([plot(640, 480)], [plot(64, 48)]) == ("a plot of 640 x 480", "a plot of 64 x 48")
    assert parting([plot(640, 480)], []) == ("a plot of 640 x 480", "no plot")


def test_errors_and_results_count() -> None:
    error = {"output_type": "error", "ename": "ValueError", "evalue": "x", "traceback": []}
    result = {"output_type": "execute_result", "data": {"text/plain": ["tensor(", "1.)"]}}
    assert parting([error], []) == ("ValueError: x", "")
    assert parting([result], [{"output_type": "execute_result", "data": {"text/plain": "tensor(1.)"}}]) is None


@pytest.mark.parametrize(
    "odd", [7, {}, {"output_type": "stream"}, {"data": 3}, {"output_type": []}, {"data": {"image/png": 3}}]
)
def test_what_is_no_output_is_none(odd: Any) -> None:
    assert parting([odd, {"output_type": "display_data", "data": {"image/png": "!!"}}], []) is None


def test_very_long_outputs_end() -> None:
    assert parting([stream("9" * 400_000)], [stream("9" * 400_000)]) is None
    assert parting([stream("1e999999999 " * 9)], [stream("1e999999998 " * 9)]) is None
