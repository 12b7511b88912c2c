"""Kinds of arguments that several commands take, for argparse: a wrong one is refused before anything is done."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

__all__ = ["count", "minutes", "path"]


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


def minutes(text: str) -> float:
    """A number of minutes above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"found {text}, wanted a number of minutes above 0")
    return number
