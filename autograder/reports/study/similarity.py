"""Finds similar answers by winnowed fingerprints of tokens. Pure functions. The result is evidence, never a score.

Schleimer, Wilkerson, Aiken: Winnowing: local algorithms for document fingerprinting, SIGMOD 2003.
"""

from __future__ import annotations

import io
import math
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from keyword import iskeyword
from typing import Any, TypeVar
from zlib import crc32

T = TypeVar("T")
__all__ = ["AnswerPair", "AnswerSource", "pairs"]

LENGTH, WINDOW = 20, 8  # tokens in a fingerprint; fingerprints in a window, of which one is kept
MAX_SHARE = 0.1  # of the class; code that more people have counts as common
MAX_PAIRS = 50
DROPPED = (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER)


@dataclass(frozen=True)
class AnswerSource:
    """An answer's code, by file name. `old`: from an earlier class; old answers are not compared with each other."""

    name: str
    files: Mapping[str, str]
    old: bool = False


@dataclass(frozen=True)
class AnswerPair:
    """Two answers that share rare code.

    Attributes:
        worth: sum over shared fingerprints of log(class / how many have it).
        lines: for each answer, the (file, line) pairs in shared fingerprints.
        comments: comments that both have, and nobody else.
    """

    one: str
    other: str
    worth: float
    lines: tuple[tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]
    comments: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"one": self.one, "other": self.other, "worth": round(self.worth, 2), "comments": list(self.comments)}


@dataclass(frozen=True)
class _Read:
    """`prints`: fingerprint → lines; `comments`: comments that are long enough to compare."""

    source: AnswerSource
    prints: Mapping[int, frozenset[tuple[str, int]]]
    comments: frozenset[str]


def pairs(sources: Sequence[AnswerSource], given: Iterable[Mapping[str, str]]) -> tuple[AnswerPair, ...]:
    """The pairs of answers that share something rare, the most worth first; at most 50.

    Args:
        given: code that everybody has, by file name: the handed-out code, and the reference. Fingerprints in it
            count nothing.
    """
    common, known_comments = set[int](), set[str]()
    for files in given:
        known = _read(AnswerSource("", files))
        common |= known.prints.keys()
        known_comments |= known.comments
    read = [_read(source) for source in sources]
    having: dict[int, list[int]] = {}
    comments: dict[str, list[int]] = {}
    for place, each in enumerate(read):
        for print in each.prints.keys() - common:
            having.setdefault(print, []).append(place)
        for comment in each.comments - known_comments:
            comments.setdefault(comment, []).append(place)
    most = max(2, MAX_SHARE * len(read))
    shared, words = _by_pair(having, most), _by_pair(comments, most)
    made = [
        _pair(read[one], read[other], shared.get((one, other), []), words.get((one, other), []), having, len(read))
        for one, other in shared.keys() | words.keys()
        if not (read[one].source.old and read[other].source.old)
    ]
    return tuple(sorted(made, key=lambda pair: (-pair.worth, pair.one, pair.other))[:MAX_PAIRS])


def _by_pair(having: Mapping[T, Sequence[int]], most: float) -> dict[tuple[int, int], list[T]]:
    """By pair of answers, the fingerprints that both have and few others."""
    found: dict[tuple[int, int], list[T]] = {}
    for each, places in having.items():
        if 2 <= len(places) <= most:
            for pair in combinations(places, 2):
                found.setdefault(pair, []).append(each)
    return found


def _pair(
    one: _Read, other: _Read, prints: Sequence[int], comments: Sequence[str], having: Mapping[int, Any], count: int
) -> AnswerPair:
    worth = sum(math.log(count / len(having[print])) for print in prints) + len(comments) * math.log(max(count / 2, 1))
    lines = tuple(tuple(sorted({place for print in prints for place in each.prints[print]})) for each in (one, other))
    return AnswerPair(one.source.name, other.source.name, worth, (lines[0], lines[1]), tuple(sorted(comments)))


def _read(source: AnswerSource) -> _Read:
    prints: dict[int, set[tuple[str, int]]] = {}
    comments: set[str] = set()
    for file, text in source.files.items():
        tokens = list(_tokens(text))
        comments |= {word for kind, word, _ in tokens if kind == tokenize.COMMENT and len(word.split()) > 2}
        code = [(word, line) for kind, word, line in tokens if kind != tokenize.COMMENT]
        for print, lines in _winnowed(code):
            prints.setdefault(print, set()).update((file, line) for line in lines)
    return _Read(source, {print: frozenset(lines) for print, lines in prints.items()}, frozenset(comments))


def _tokens(text: str) -> Iterator[tuple[int, str, int]]:
    """(kind, symbol, line): names, strings and numbers as one symbol each; a docstring is left out.

    The list ends at a syntax error.
    """
    fresh = True
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.type, token.string.strip("# \t"), token.start[0]
                continue
            if token.type in DROPPED:
                fresh = True
                continue
            if not (token.type == tokenize.STRING and fresh):
                yield token.type, _symbol(token), token.start[0]
            fresh = False
    except (tokenize.TokenError, SyntaxError):
        return


def _symbol(token: tokenize.TokenInfo) -> str:
    if token.type == tokenize.NAME:
        return token.string if iskeyword(token.string) else "name"
    return {tokenize.STRING: "text", tokenize.NUMBER: "number"}.get(token.type, token.string)


def _winnowed(code: Sequence[tuple[str, int]]) -> Iterator[tuple[int, set[int]]]:
    """(fingerprint, its lines): the smallest of each window. Equal code gives equal ones at any place."""
    grams = [
        crc32(" ".join(word for word, _ in code[at : at + LENGTH]).encode()) for at in range(len(code) - LENGTH + 1)
    ]
    chosen = {
        min(range(at, at + WINDOW), key=lambda place: (grams[place], -place))
        for at in range(max(len(grams) - WINDOW + 1, 0))
    }
    if 0 < len(grams) < WINDOW:
        chosen = {min(range(len(grams)), key=lambda place: grams[place])}
    for place in sorted(chosen):
        yield grams[place], {line for _, line in code[place : place + LENGTH]}
