"""Makes text from submissions harmless to display, and formats numbers for people."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta

from autograder.rounding import exact, half_up

__all__ = ["block", "line", "percent", "span", "when"]

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # Persian, Indic scripts and emoji need them
# Control, format (bidirectional overrides among them), surrogate, private, unassigned, line and paragraph separators.
UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def line(text: str, limit: int = 200) -> str:
    """`text` on one line, at most `limit` characters, without characters that hide or reorder the text around it."""
    return _shorten(_inert(" ".join(text[: 4 * limit].split()), keep=""), limit)


def block(text: str, limit: int = 2000) -> str:
    """Like `line`, but keeps line breaks and indentation."""
    return _shorten(_inert(text[: limit + 1].replace("\r\n", "\n").expandtabs(4), keep="\n"), limit)


def _inert(text: str, keep: str) -> str:
    return "".join(
        char if char in keep or char in JOINERS or unicodedata.category(char) not in UNSAFE else REPLACEMENT
        for char in text
    )


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def percent(part: float, whole: float) -> str:
    """`part` of `whole` in whole percent. "100 %" and "0 %" appear only for exact values: 999 of 1000 is "99 %"."""
    if whole <= 0:
        return "–"
    share = 100 * exact(part) / exact(whole)
    return f"{share if share in (0, 100) else min(max(half_up(share), 1), 99)} %"


def when(stamp: str) -> str:
    """An ISO 8601 time in readable form, with its offset. Any other text comes back as inert text."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return line(stamp, 40)
    offset = moment.strftime("%z")
    return moment.strftime("%Y-%m-%d %H:%M") + (f" (UTC{offset[:3]}:{offset[3:5]})" if offset else "")


def span(length: timedelta) -> str:
    """A length of time in its two largest units: 2 d 3 h, 14 min."""
    minutes = max(int(length.total_seconds() // 60), 0)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{value} {unit}" for value, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if value]
    return " ".join(parts[:2]) or "under a minute"
