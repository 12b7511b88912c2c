"""Parses Python that nobody vouches for."""

from __future__ import annotations

import ast
import codecs
import io
import tokenize
import warnings
from itertools import islice

from autograder.submission.source.text import readable

__all__ = ["MAX_BYTES", "decode", "parse", "too_large"]

# Far above any assignment; a syntax tree takes up to a thousand times its source's memory.
MAX_BYTES = 256 * 1024
# Of a syntax tree: some times as many as an assignment's answer has. What looks at each takes a part of a millisecond.
MAX_NODES = 40_000
# Python would read a file in one of these too; the first takes a time that grows with the square of its length.
NO_ONES = frozenset({"punycode", "idna", "undefined"})


def decode(data: bytes) -> str:
    """A file's text, in the encoding that its first lines declare, or UTF-8. Raises ValueError; it says why not."""
    if len(data) > 4 * MAX_BYTES:
        raise ValueError("far longer than any answer")
    data, _ = readable(data)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        if codecs.lookup(encoding).name in NO_ONES:
            raise LookupError(f"{encoding} is no encoding to write Python in")
        return data.decode(encoding)
    except (SyntaxError, UnicodeError, LookupError) as error:
        raise ValueError(f"its characters cannot be read: {error}; save it as UTF-8") from None


def too_large(tree: ast.Module) -> bool:
    """Whether there is more in it than anybody writes by hand."""
    return any(True for _ in islice(ast.walk(tree), MAX_NODES, None))


def parse(source: str | bytes, most: int = MAX_BYTES) -> ast.Module | None:
    """The syntax tree, or None where there is none: a syntax error, a wrong encoding, too deep, too long."""
    if len(source) > most:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(decode(source) if isinstance(source, bytes) else source)
            return None if too_large(tree) else tree
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
