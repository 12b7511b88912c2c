"""Kinds of arguments that several commands take, for argparse: a wrong one is refused before anything is done."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["count", "path"]


def path(text: str) -> Path:
    """A path, there or not. `~` is read here too: not every shell does it within NAME=~/folder."""
    if not text:
        raise argparse.ArgumentTypeError("found nothing, wanted a path")  # Path("") would be the folder one is in
    try:
        found = Path(text).expanduser()
        found.exists()
    except (OSError, RuntimeError) as error:
        raise argparse.ArgumentTypeError(getattr(error, "strerror", None) or str(error)) from None
    return found


def count(text: str) -> int:
    """A whole number of at least 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"found {text}, wanted a whole number of at least 1")
    return number
