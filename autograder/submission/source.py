"""Parses Python that nobody vouches for."""

from __future__ import annotations

import ast
import warnings

__all__ = ["MOST_BYTES", "parse"]

# Far above any assignment; a syntax tree takes up to a thousand times its source's memory.
MOST_BYTES = 256 * 1024


def parse(source: str | bytes, most: int = MOST_BYTES) -> ast.Module | None:
    """The syntax tree, or None where there is none: a syntax error, a wrong encoding, too deep, longer than `most`."""
    if len(source) > most:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
