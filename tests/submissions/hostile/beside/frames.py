"""Writes frames to the grader's channel by hand."""

import json
import os
import struct

CHANNEL = 3


def frame(value, blobs=(), body=b""):
    header = json.dumps({"value": value, "blobs": list(blobs)}).encode()
    return struct.pack("<4sIQ", b"AGF1", len(header), len(body)) + header + body


def reply(tree, **fields):
    """A reply as an honest worker would write it, with this value tree, or with other fields."""
    pairs = [["value", tree], ["used", []]] if not fields else [list(pair) for pair in fields.items()]
    return frame({"dict": pairs})


def write(content):
    view = memoryview(content)
    while view:
        view = view[os.write(CHANNEL, view) :]
