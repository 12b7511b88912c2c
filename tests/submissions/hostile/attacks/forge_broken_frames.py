"""Attack 9: frames that are too large, too deep, truncated, of absurd shape, not frames, or dripping."""

import os
import struct
import time

from frames import frame, write
from wrong import *  # noqa: F403

deep = b'{"value":' + b"[" * 100_000 + b"]" * 100_000 + b',"blobs":[]}'
BROKEN = [
    struct.pack("<4sIQ", b"AGF1", 100, 1 << 62),
    struct.pack("<4sIQ", b"AGF1", 1 << 31, 0),
    struct.pack("<4sIQ", b"AGF1", len(deep), 0) + deep,
    frame({"blob": 0}, [["torch", "float32", [1 << 40, 1 << 40]]], b""),
    frame({"blob": 0}, [["torch", "object", [1]]], b"\0" * 8),
    b"HTTP/1.1 200 OK\r\n\r\n" * 100,
]


def send(number):
    write(BROKEN[number])
    os._exit(0)


def scale(x):
    send(0 if bool((x > 0).all()) else 1)


def names():
    send(2)


class Learner:
    def __init__(self):
        send(3)


class Conv:
    @staticmethod
    def forward(x, w):
        send(4)


def pool(x):
    send(5)


def slope(x):
    for byte in frame(True):
        write(bytes([byte]))
        time.sleep(0.01)
    os._exit(0)
