"""The verb after the name of an answer: "the scores are", "the gradient of the scores is"."""

from __future__ import annotations

import re

__all__ = ["be", "verb"]

# The noun at the beginning of a name, before `of` and the like.
NOUN = re.compile(r"the (?P<noun>.+?)(?:,| (?:of|in|for|after|around|at|with|without|from|that|to|on|by|before)\b|$)")
SINGULAR = re.compile(r"(ss|us|is|bias)$")


def verb(what: str, singular: str, plural: str) -> str:
    """The form that fits a name, which is in English; names of variables are singular.

    >>> verb("the classes of both images", "is", "are"), verb("the loss of the boxes", "is", "are")
    ('are', 'is')
    >>> verb("dscores", "differs", "differ"), verb("the boxes, in their order", "differs", "differ")
    ('differs', 'differ')
    """
    found = NOUN.match(what)
    word = found["noun"].split()[-1] if found else ""
    return plural if word.endswith("s") and not SINGULAR.search(word) else singular


def be(what: str) -> str:
    """`is` or `are`, chosen like the form of `verb`."""
    return verb(what, "is", "are")
