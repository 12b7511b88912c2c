"""Writes frames to the grader's channel by hand."""

import json
import os
import struct
import sys

CHANNEL = 3


def frame(value, blobs=(), body=b""):
    header = json.dumps({"value": value, "blobs": list(blobs)}).encode()
    return struct.pack("<4sIQ", b"AGF1", len(header), len(body)) + header + body


def asked():
    """The number of the request under way, which is in a frame of the harness."""
    step = sys._getframe()
    while step.f_code.co_name != "answer":  # without one there is nothing to forge, and this attack would be none
        step = step.f_back
    return step.f_locals["id"]


def reply(tree, number=None, **fields):
    """A reply as an honest worker would write it, with this value tree, or with other fields."""
    fields = fields or {"value": tree, "used": []}
    return frame({"dict": [["id", asked() if number is None else number], *map(list, fields.items())]})


def write(content):
    view = memoryview(content)
    while view:
        view = view[os.write(CHANNEL, view) :]
