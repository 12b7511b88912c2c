"""Parses Python that nobody vouches for."""

from __future__ import annotations

import ast
import warnings

__all__ = ["parse"]

# Far above any assignment; a syntax tree takes some hundred times its source's memory.
MOST_BYTES = 512 * 1024


def parse(source: str | bytes) -> ast.Module | None:
    """The syntax tree, or None where there is none: a syntax error, a wrong encoding, far too long or too deep."""
    if len(source) > MOST_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
