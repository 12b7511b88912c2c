"""Parses untrusted Python source."""

from __future__ import annotations

import ast
import codecs
import io
import tokenize
import warnings
from itertools import islice

from autograder.submission.source.text import readable

__all__ = ["MAX_BYTES", "decode", "parse", "too_large"]

# Far above any assignment. A parse tree takes up to a thousand times the memory of its source.
MAX_BYTES = 256 * 1024
# Nodes of a parse tree: several times as many as an answer has. Some analyses take part of a millisecond for each.
MAX_NODES = 40_000
# Encodings that Python accepts and no source is written in. Punycode takes time quadratic in the length.
NO_ONES = frozenset({"punycode", "idna", "undefined"})


def decode(data: bytes) -> str:
    """A file's text, in the encoding that its first lines declare, or UTF-8. Raises ValueError with the reason."""
    if len(data) > 4 * MAX_BYTES:
        raise ValueError("far longer than any answer")
    data, _ = readable(data)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        if codecs.lookup(encoding).name in NO_ONES:
            raise LookupError(f"{encoding} is no encoding for Python source")
        return data.decode(encoding)
    except (SyntaxError, UnicodeError, LookupError) as error:
        raise ValueError(f"its characters cannot be read: {error}; save it as UTF-8") from None


def too_large(tree: ast.Module) -> bool:
    """True if a parse tree has more nodes than any source written by hand."""
    return any(True for _ in islice(ast.walk(tree), MAX_NODES, None))


def parse(source: str | bytes, most: int = MAX_BYTES) -> ast.Module | None:
    """The parse tree, or None for a syntax error, a wrong encoding, or a source that is too deep or too long."""
    if len(source) > most:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(decode(source) if isinstance(source, bytes) else source)
            return None if too_large(tree) else tree
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
