"""Finds the people in the names of loose files from Google: `Kim Minsu - two_layers.py`, `two_layers - Kim Minsu.py`.

Classroom and Drive put the person first, Forms last. Anybody may type such a name, so a person counts only with a file
that is called like a module of the assignment.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from autograder.submission.paths import decode_name, plain_text
from autograder.submission.receive.filename import ParsedName, is_called, parse_name
from autograder.submission.receive.intake import SOURCES

__all__ = ["LOOSE", "is_asked", "signed"]

LOOSE = (*SOURCES, ".pt", ".pth", ".npy", ".npz", ".txt")  # the ends of files that may be a part of somebody's work
DASH = " - "
COPY = re.compile(r" ?\(\d+\)$")
# Words in names of files that are no person's name, and short names of assignments: `A6`, `hw 6`, `week 12`.
NOBODY = frozenset(
    {"a", "assignment", "attempt", "backup", "copy", "draft", "final", "fixed", "handout", "homework", "hw", "lab"}
    | {"lecture", "mine", "my", "new", "of", "old", "original", "section", "solution", "solutions", "starter", "stub"}
    | {
        "submission",
        "template",
        "test",
        "try",
        "v",
        "version",
        "week",
        "복사본",
        "사본",
        "최종",
        "과제",
        "수정",
        "제출",
    }
)
WORD = re.compile(r"[^\W\d_]+|\d+")
ID = re.compile(r"\d{6,}")


def signed(names: Collection[str], modules: Collection[str], last: bool = True) -> dict[str, ParsedName]:
    """The parsed names of the files that belong to a person in their names, by file name.

    Args:
        names: the names of loose files.
        modules: the file names of the assignment's modules.
        last: False to ignore people at the end of a name, who may be words: `two_layers - adam.py` beside the module.
    """
    loose = {name: _text(name) for name in names if PurePosixPath(name).suffix.lower() in LOOSE and DASH in name}
    loose = {name: text for name, text in loose.items() if not parse_name(text).person}
    people: dict[tuple[str, bool], None] = {}
    for text in loose.values():
        if not any(is_called(text, module) for module in modules):
            people |= dict.fromkeys(
                (who, first)
                for who, rest, first in _splits(text)
                if (first or last) and _is_person(who) and is_asked(rest, modules)
            )
    found: dict[str, ParsedName] = {}
    for name, text in loose.items():
        for who, rest, first in _splits(text):
            if (who, first) in people:
                found[name] = ParsedName(account=who, rest=rest)
                break
    return found


def _splits(text: str) -> Iterator[tuple[str, str, bool]]:
    """Each way to read a name: the person, the person's own file name, and True if the person comes first."""
    path, places = PurePosixPath(text), [match.start() for match in re.finditer(DASH, text)]
    for place in places:
        yield text[:place].strip(), text[place + len(DASH) :].strip(), True
    for place in reversed(places):
        who, suffix = path.stem[place + len(DASH) :].strip(), path.suffix
        copy = COPY.search(who)
        yield COPY.sub("", who), f"{path.stem[:place].strip()}{copy[0] if copy else ''}{suffix}", False


def is_asked(name: str, modules: Collection[str]) -> bool:
    """True for a module's name, and for that of its notebook."""
    path = PurePosixPath(name)
    source = f"{path.stem}.py" if path.suffix.lower() == ".ipynb" else name
    return any(is_called(source, module) for module in modules)


def _is_person(who: str) -> bool:
    """True if a text may be a person's name or id."""
    words = WORD.findall(who.casefold())
    return bool(ID.search(who)) or any(
        word not in NOBODY and not word.isdecimal() and not _short(word) for word in words
    )


def _short(word: str) -> bool:
    return len(word) < 2 and word.isascii()


def _text(name: str) -> str:
    return plain_text(decode_name(name.encode(errors="surrogateescape"))).strip()
