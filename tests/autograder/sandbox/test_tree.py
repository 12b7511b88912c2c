"""Walks over nested values keep every container's class, and know named tuples."""

from __future__ import annotations

from typing import NamedTuple

import torch

from autograder.sandbox.channel.tree import leaves, like, mapped


class Pair(NamedTuple):
    left: object
    right: object


def test_mapped_keeps_the_containers() -> None:
    value = {"x": [1, (2, Pair(3, [4]))]}
    assert mapped(value, lambda leaf: -leaf) == {"x": [-1, (-2, Pair(-3, [-4]))]}
    assert type(mapped(value, lambda leaf: -leaf)["x"][1][1]) is Pair


def test_leaves_come_in_order() -> None:
    assert list(leaves({"x": [1, (2, Pair(3, [4]))], "y": ()})) == [1, 2, 3, 4]


def test_a_size_stays_a_size() -> None:
    assert type(like(torch.Size([1, 2]), [3, 4])) is torch.Size
