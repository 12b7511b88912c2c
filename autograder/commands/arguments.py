"""Argument types that several commands share. argparse refuses a wrong value before the command runs."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

__all__ = ["count", "minutes", "path"]


def path(text: str) -> Path:
    """A path, existing or not. `~` is expanded here too, because not every shell expands it within NAME=~/folder."""
    if not text:
        raise argparse.ArgumentTypeError("found nothing, wanted a path")  # Path("") would be the current folder
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
