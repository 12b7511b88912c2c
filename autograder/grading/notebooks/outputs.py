"""Compares a cell's outputs with those of its author's run: word by word, and number by number within a tolerance.

Times, memory addresses and paths differ from run to run and are ignored. A difference is evidence for a person, no
verdict: another machine, other data or another seed are honest reasons.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from autograder.sandbox.grader.displayed import image_size

__all__ = ["parting"]

MAX_COMPARED = 100_000  # characters of a cell that are compared
RELATIVE, ABSOLUTE = 0.02, 1e-4  # trainings in float32 drift that far between machines
SHOWN = 60

# The text is untrusted: every repetition is possessive or bounded, and cannot begin inside the one before it.
VARYING = re.compile(
    r"""
    ^[ \t]*+(?:CPU\ times|Wall\ time):.*$                         # of %%time
    | 0x[0-9a-fA-F]++                                            # addresses
    | (?:/[\w.+-]++){2,} | <ipython-input[^>]{0,80}>             # paths
    | (?<![\w.])\d++:\d\d(?::\d\d)?(?:\.\d++)?                  # 12:34
    | (?<![\w.])\d++(?:\.\d++)?(?:e-?\d++)?[ \t]*+(?:±[^)\n]{0,40})?
      (?:ns|µs|us|ms|s|sec|seconds?|min|minutes?|h|it/s|s/it)\b  # 1.23 s
    """,
    re.VERBOSE | re.MULTILINE,
)
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def parting(stored: Sequence[Any], run: Sequence[Any]) -> tuple[str, str] | None:
    """The first difference between two lists of a cell's outputs, as (stored, run); None if they agree.

    Args:
        stored: the outputs in the student's notebook; untrusted.
    """
    one, other = _text(stored), _text(run)
    for (ours, at), (theirs, there) in zip_longest(_words(one), _words(other), fillvalue=("", MAX_COMPARED)):
        if not _alike(ours, theirs):
            return _around(one, at), _around(other, there)
    sizes, others = _sizes(stored), _sizes(run)
    return None if sizes == others else (_plots(sizes), _plots(others))


def _text(outputs: Sequence[Any]) -> str:
    """The text of all outputs, without warnings, which depend on versions."""
    parts = []
    for output in outputs:
        if not isinstance(output, dict):
            continue
        data = output.get("data")
        match output.get("output_type"):
            case "stream" if output.get("name") == "stdout":
                parts.append(_joined(output.get("text")))
            case "error":
                parts.append(f"{output.get('ename')}: {output.get('evalue')}")
            case "execute_result" | "display_data" if isinstance(data, dict):
                parts.append(_joined(data.get("text/plain")))
    return VARYING.sub(" ", COLOURS.sub("", "\n".join(parts)[:MAX_COMPARED]))


def _joined(text: Any) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else text if isinstance(text, str) else ""


def _words(text: str) -> Iterator[tuple[str, int]]:
    """Words and numbers, each with its place; `loss=0.5,` has three."""
    for word in re.finditer(r"\S+", text):
        end = word.start()
        for number in NUMBER.finditer(word.group()):
            start = word.start() + number.start()
            if start > end:
                yield text[end:start], end
            end = word.start() + number.end()
            yield number.group(), start
        if end < word.end():
            yield text[end : word.end()], end


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    if not NUMBER.fullmatch(one) or not NUMBER.fullmatch(other):
        return False
    return math.isclose(float(one), float(other), rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def _around(text: str, at: int) -> str:
    return " ".join(text[max(0, at - SHOWN // 3) : at + SHOWN].split())[:SHOWN] if at < MAX_COMPARED else ""


def _sizes(outputs: Sequence[Any]) -> list[tuple[int, int]]:
    """The width and height of every plot."""
    bundles = [output.get("data") for output in outputs if isinstance(output, dict)]
    images = [bundle.get("image/png") for bundle in bundles if isinstance(bundle, dict)]
    sizes = []
    for image in images:
        try:
            size = image_size(base64.b64decode("".join(_joined(image)[:64].split())[:48]))
        except (binascii.Error, ValueError):
            size = None
        if size:
            sizes.append(size)
    return sizes


def _plots(sizes: Sequence[tuple[int, int]]) -> str:
    return ", ".join(f"a plot of {width} x {height}" for width, height in sizes)[:SHOWN] or "no plot"
