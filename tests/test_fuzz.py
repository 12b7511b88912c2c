"""A little of `make fuzz`, and every case that it once found."""

from __future__ import annotations

import random

import pytest

from tests import fuzz

KINDS = {
    "frame": (fuzz.good_frames, fuzz.frame_is_refused_or_read, 3000),
    "archive": (fuzz.good_archives, fuzz.archive_is_refused_or_read, 150),
}


@pytest.mark.parametrize("kind", KINDS)
def test_good_ones_are_read(kind: str) -> None:
    good, look, _ = KINDS[kind]
    assert {look(data) for data in good()} == {"read"}


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_ones_are_read_or_refused(kind: str) -> None:
    good, look, count = KINDS[kind]
    chance = random.Random(kind)
    assert {look(fuzz.damaged(good(), chance)) for _ in range(count)} <= {"read", "refused"}


def test_what_was_once_found_is_mended() -> None:
    for path in fuzz.CASES.glob("*-*"):
        KINDS[path.name.partition("-")[0]][1](path.read_bytes())
