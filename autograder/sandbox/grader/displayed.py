"""Validates a cell's outputs from a worker, limits their size, and converts them to the notebook format.

It reads the data of `worker.notebook`. The data is untrusted: the cells share the worker's process.
"""

from __future__ import annotations

import base64
import struct
from typing import Any

import numpy as np

from autograder.errors import ProtocolError

__all__ = ["image_size", "read_cell"]

TEXTS = ("text/plain", "text/html", "text/markdown", "text/latex")
IMAGE, ALT = "image/png", "alt"  # beside an image stands its alternative text
MAX_ALT = 1000
STREAMS = ("stdout", "stderr")
MAX_OUTPUTS = 65
MAX_TEXT = 130_000  # characters of one cell
MAX_IMAGE = 8 << 20  # bytes of one cell's images
MAX_PIXELS = 40_000_000  # of one image: a small file may unpack to a huge one
PNG = b"\x89PNG\r\n\x1a\n"

Output = dict[str, Any]


def read_cell(reply: Any) -> tuple[list[Output], bool]:
    """A cell's outputs in nbformat's form, and True if some output was left out.

    Raises ProtocolError if the reply does not have the form of `worker.notebook`, or exceeds its limits.
    """
    if type(reply) is not dict or reply.keys() != {"outputs", "left_out"} or type(reply["left_out"]) is not bool:
        raise ProtocolError("a cell's output that is not one")
    outputs = reply["outputs"]
    if type(outputs) is not list or len(outputs) > MAX_OUTPUTS:
        raise ProtocolError("a cell with too many outputs")
    room = _Room()
    read = [room.output(output) for output in outputs]
    return [output for output in read if output is not None], reply["left_out"] or None in read


class _Room:
    """Reads outputs until a cell's share of text and images is used up."""

    def __init__(self) -> None:
        self._text, self._images = MAX_TEXT, MAX_IMAGE

    def output(self, reported: Any) -> Output | None:
        """One output, or None for an invalid image."""
        kind = reported.get("kind") if type(reported) is dict else None
        if kind == "stream" and reported.keys() == {"kind", "name", "text"} and reported["name"] in STREAMS:
            return {"output_type": "stream", "name": reported["name"], "text": self._take(reported["text"])}
        if kind == "error" and reported.keys() == {"kind", "name", "text", "trace"}:
            name, text, trace = (self._take(reported[key]) for key in ("name", "text", "trace"))
            return {"output_type": "error", "ename": name[:200], "evalue": text, "traceback": trace.split("\n")}
        if kind in ("display", "result") and reported.keys() == {"kind", "data"} and type(reported["data"]) is dict:
            data = {mime: self._shown(mime, value) for mime, value in reported["data"].items()}
            data = {mime: value for mime, value in data.items() if value is not None}
            alt = (data.pop(ALT, None) or "")[:MAX_ALT]
            if not data:
                return None
            metadata = {IMAGE: {ALT: alt}} if alt and IMAGE in data else {}
            more = {"execution_count": None} if kind == "result" else {}
            type_ = "execute_result" if kind == "result" else "display_data"
            return {"output_type": type_, "metadata": metadata, "data": data, **more}
        raise ProtocolError("an output that is not one")

    def _take(self, text: Any) -> str:
        if type(text) is not str or len(text) > self._text:
            raise ProtocolError("a cell with too much text")
        self._text -= len(text)
        return text

    def _shown(self, mime: Any, value: Any) -> str | None:
        if mime in (*TEXTS, ALT):
            return self._take(value)
        if mime != IMAGE or type(value) is not np.ndarray or value.dtype != np.uint8 or value.ndim != 1:
            raise ProtocolError("a display of a type that is not taken")
        content = value.tobytes()
        self._images -= len(content)
        if self._images < 0:
            raise ProtocolError("a cell with too many images")
        width, height = image_size(content) or (0, 0)
        return base64.b64encode(content).decode() if 0 < width * height <= MAX_PIXELS else None


def image_size(content: bytes) -> tuple[int, int] | None:
    """The width and height in a PNG's header; None if it is no PNG."""
    if not content.startswith(PNG) or content[12:16] != b"IHDR" or len(content) < 24:
        return None
    width, height = struct.unpack(">II", content[16:24])
    return int(width), int(height)
