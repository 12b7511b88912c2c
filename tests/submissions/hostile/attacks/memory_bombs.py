"""Attack 28: takes all memory, by one request, by many, by a mapping, and at the moment of answering."""

import mmap

import torch
from wrong import *  # noqa: F403


def scale(x):
    return x + torch.ones(2**38)


def names():
    taken = []
    while True:
        taken.append("x" * (16 << 20))


def pool(x):
    taken = []
    while True:
        taken.append(mmap.mmap(-1, 64 << 20))
        taken[-1].write(b"x" * (64 << 20))


def slope(x):
    return [torch.zeros(1 << 20) for _ in range(60)]
