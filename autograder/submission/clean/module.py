"""Carries a student's answers onto the clean copy of a module: given code is the course's, answers are the student's.

An answer is a function of the clean copy that raises `NotImplementedError` with a question's id, or that a question
names as its component. Each piece of the student's file is handled by these rules, in the module and in each class:

- An answer, with its decorators and comments, replaces the clean stub. Several definitions of one name are all kept. An
  answer that the student's file does not define keeps the stub and is reported missing. If it is assigned, or possibly
  inherited or star-imported from a module of the student's, the stub is removed so that it does not override it.
- A piece that the clean copy lacks is added, with the comments around it. It follows the same piece as in the student's
  file, and stands below all names that it needs. An import that would rebind given names keeps only its other names. A
  star import is placed before all given code.
- Any other piece is given. If it differs by more than layout, comments and docstrings, the clean copy's is restored. An
  assignment that replaces given code is dropped, too: `Linear = ...`, `Linear.forward = ...`.
- A class that holds an answer keeps the student's header, with bases and decorators. Any other class header is given.

Comments that stand alone between given pieces are not carried.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from autograder.submission.clean.carried import CarriedModule, CleanModule, Part
from autograder.submission.clean.module_matching import (
    Level,
    after_docstring,
    after_preamble,
    is_docstring,
    is_future,
    is_star,
)
from autograder.submission.clean.module_pieces import Line, NotPython, Piece, Source, alike
from autograder.submission.source.names import too_early

__all__ = ["CarriedModule", "CleanModule", "NotPython", "Part", "Source", "carry_module"]

ENCODING = re.compile(r"[ \t\f]*#.*?coding[:=]")  # dropped: the carried module is always UTF-8


def carry_module(clean: CleanModule, student: Source) -> CarriedModule:
    """The clean copy with the student's answers and additions.

    Example: the clean copy has the stub `mean` and the given function `load`. The student's file has an answer `mean`
    and a changed `load`. The result has the student's `mean` and the clean copy's `load`.

    Raises:
        NotPython: the student's file is nested too deeply.
    """
    carrying = _Carrying(clean.source, student, clean.answers)
    try:
        carrying.level(clean.source.module, student.module, "", (0, len(student.lines)))
    except RecursionError:
        raise NotPython(1, "nested too deeply") from None
    lines = list(carrying.lines())
    source = "\n".join(line for line, _ in lines)
    report = {kind: tuple(sorted(parts, key=lambda part: part.line)) for kind, parts in carrying.report.items()}
    early = frozenset(too_early(student.tree))
    return CarriedModule(source, tuple(number for _, number in lines), early=early, **report)


@dataclass
class _Carrying:
    """Collects edits to the clean copy, level by level: the module, then each class."""

    ours: Source
    theirs: Source
    answers: Collection[str]
    report: dict[str, list[Part]] = field(
        default_factory=lambda: {kind: [] for kind in ("kept", "untouched", "missing", "added", "restored")}
    )
    assigned: dict[str, int] = field(default_factory=dict)  # dotted name → line of the added piece that assigns it
    replaced: dict[int, tuple[int, list[Line]]] = field(default_factory=dict)  # first line → last line, new lines
    inserted: dict[int, list[tuple[int, list[Line]]]] = field(default_factory=dict)  # after this line → (depth, lines)

    def lines(self) -> Iterator[Line]:
        """The lines after all edits, each with its number in the student's file, or below 0 in the clean copy."""
        number, end = 0, len(self.ours.lines)
        while True:
            # A class and its last method end on the same line: insertions into the class come first.
            for _, lines in sorted(self.inserted.get(number, ()), key=lambda insertion: -insertion[0]):
                yield from lines
            if number == end:
                return
            number += 1
            if number in self.replaced:
                number, lines = self.replaced[number]
                yield from lines
            else:
                yield self.ours.lines[number - 1], -number

    def level(
        self, clean: Sequence[Piece], student: Sequence[Piece], prefix: str, ends: tuple[int, int], source: int = 0
    ) -> None:
        """Carry one body onto another.

        Args:
            ends: the clean line before the body, and the last line of the student's body.
            source: the student's line that may supply missing answers, by a base class for example; 0 for none.
        """
        level, start = Level(clean, prefix, self.answers), ends[0]
        preamble = anchor = after_preamble(clean, start)
        before, valued = 0, dict[str, int]()  # name → the clean line after which the name has a value
        added: list[Line] = []  # the lines of the previous piece, if it was added
        for piece in student:
            place = level.place(piece)
            at = max([anchor, *(valued.get(name, 0) for name in piece.loads | piece.binds)])
            if place is not None:
                self._close(added, before, piece, place, prefix)
                anchor = max(place.last, preamble)
                at, added = place.last, []
            elif not level.claims(piece, at):
                self.assigned |= {prefix + name: piece.line for name in piece.binds}
                source = piece.line if level.opens(piece) else source
                at, added = self._add(piece, at, before, level, clean, start)
            valued |= dict.fromkeys(piece.binds, at)
            before = piece.last
        if added:
            added += self._comments(before, ends[1])
        for piece in clean:
            self._settle(piece, level, source)

    def _close(self, added: list[Line], before: int, piece: Piece, place: Piece, prefix: str) -> None:
        """Add the comments between an added piece and the piece below it, which is given or an answer."""
        if not added:
            return
        added += self._comments(before, piece.lead - 1)
        above = self._comments(piece.lead - 1, piece.first - 1)
        answered = place.definition and prefix + place.definition.name in self.answers and not piece.says(place)
        if above and place.definition and not answered:  # an answer brings the comments right above it
            self.inserted.setdefault(place.first - 1, []).append((prefix.count("."), above))

    def _comments(self, after: int, last: int) -> list[Line]:
        """The student's own comments below a line, with the blank lines between them."""
        lines = self._own(after + 1, last)
        while lines and not lines[-1][0].strip():
            lines.pop()
        return lines

    def _note(self, kind: str, name: str, line: int) -> None:
        self.report[kind].append(Part(name, line))

    def _add(
        self, piece: Piece, anchor: int, before: int, level: Level, clean: Sequence[Piece], start: int
    ) -> tuple[int, list[Line]]:
        """Add a piece that the clean copy lacks, unless it changes given code.

        Returns:
            The clean line after which it was added, and the added lines.
        """
        text = self._gap(before, piece) + self._moved(piece, piece.first, level.indent)
        if spoilt := level.spoilt(piece):
            self._note("restored", f"{level.prefix}{spoilt[0]} (given another meaning)", piece.line)
            text = [(line, piece.first) for line in level.other_names(piece)]
            if not text:
                return anchor, []
        if is_future(piece):
            anchor = after_docstring(clean, start)
        elif is_star(piece):
            # Below given code, a star import could rebind given names.
            if any(each.definition and each.last <= anchor for each in clean):
                self._note("restored", f"{_called(piece, self.theirs)} (moved to the top)", piece.line)
            anchor = after_preamble(clean, start)
        elif piece.imports and (first := _first_import(clean, anchor)):
            anchor, text = first.lead - 1, text[next(n for n, (line, _) in enumerate(text) if line.strip()) :]
        self.inserted.setdefault(anchor, []).append((level.prefix.count("."), text))
        self._note("added", level.prefix + _called(piece, self.theirs), piece.line)
        return anchor, text

    def _gap(self, before: int, piece: Piece) -> list[Line]:
        """Blank lines and the student's own comments above an added piece."""
        return self._own(before + 1 if before else piece.lead, piece.first - 1)

    def _own(self, first: int, last: int) -> list[Line]:
        """The student's lines that occur nowhere in the clean copy, and blank ones. Drops an encoding declaration."""
        lines = self.theirs.text(first, last)
        own = [(line, number) for line, number in lines if line.strip() not in self.ours.known_lines]
        return [(line, number) for line, number in own if number > 2 or not ENCODING.match(line)]

    def _moved(self, piece: Piece, first: int, indent: str) -> list[Line]:
        return self.theirs.moved(first, piece.last, piece.indent, indent)

    def _settle(self, piece: Piece, level: Level, source: int) -> None:
        """Decide about one piece of the clean copy, after all pieces of the student's have been placed."""
        node = piece.definition
        if node is None:
            self._settle_statement(piece, level)
            return
        name, versions = level.prefix + node.name, level.versions.get(node.name, [])
        holds = any(answer.startswith(f"{name}.") for answer in self.answers)
        if (name in self.answers or holds) and not versions:
            self._settle_absent(piece, name, level, self.assigned.get(name, source))
        elif isinstance(node, ast.ClassDef):
            self._settle_class(piece, node, name, versions, holds)
        elif name in self.answers:
            self._settle_answer(piece, name, versions)
        elif not versions:
            self._note("restored", f"{name} (removed)", 0)
        elif not versions[-1].says(piece):
            self._note("restored", name, versions[-1].line)

    def _settle_statement(self, piece: Piece, level: Level) -> None:
        """Report a changed or removed statement, for example a constant. Imports and docstrings are ignored."""
        if piece.imports is not None or is_docstring(piece):
            return
        versions = [version for name in piece.binds for version in level.versions.get(name, ())]
        if versions and not versions[-1].says(piece):
            self._note("restored", level.prefix + _called(piece, self.ours), versions[-1].line)
        elif level.gone(piece):
            self._note("restored", f"{level.prefix}{_called(piece, self.ours)} (removed)", 0)

    def _settle_absent(self, piece: Piece, name: str, level: Level, source: int) -> None:
        """Handle an answer, or a class of answers, that the student's file does not define.

        Args:
            source: the line that may supply it; 0 for none.
        """
        if not source:
            self._note("missing", name, 0)
            return
        self.replaced[piece.first] = (piece.last, [(f"{level.indent}pass", -piece.first)] if level.prefix else [])
        self._note("kept", name, source)

    def _settle_answer(self, piece: Piece, name: str, versions: Sequence[Piece]) -> None:
        line = self.assigned.get(name, versions[-1].line)
        if not all(version.says(piece) for version in versions):
            self._replace(piece, versions)
        elif name not in self.assigned:
            self._note("untouched", name, line)
            return
        self._note("kept", name, line)

    def _replace(self, piece: Piece, versions: Sequence[Piece]) -> None:
        known = {line.strip() for line, _ in self.ours.text(piece.lead, piece.first - 1)}
        new: list[Line] = []
        for version in versions:
            lead = self._moved(version, version.lead, piece.indent)
            fresh = version.first - version.lead
            new += [
                *([("", version.lead)] if new else []),
                *((line, number) for line, number in lead[:fresh] if line.strip() not in known),
                *lead[fresh:],
            ]
        self.replaced[piece.first] = (piece.last, new)

    def _settle_class(
        self, piece: Piece, node: ast.ClassDef, name: str, versions: Sequence[Piece], holds: bool
    ) -> None:
        last = versions[-1] if versions else None
        theirs = last.definition if last else None
        members = self.theirs.members(theirs) if isinstance(theirs, ast.ClassDef) else None
        ours = self.ours.members(node)
        if last is None:
            self._note("restored", f"{name} (removed)", 0)
        elif isinstance(theirs, ast.ClassDef) and members is not None and ours is not None:
            for earlier in versions[:-1]:
                if holds and node.name in last.loads:  # the last version uses it, as a base for example
                    text = [*self._moved(earlier, earlier.first, piece.indent), ("", earlier.last)]
                    self.inserted.setdefault(piece.first - 1, []).append((name.count("."), text))
                else:
                    self._note("restored", f"{name} (an earlier version, left out)", earlier.line)
            self._header(piece, last, node, theirs, name, holds)
            source = last.line if _bases(theirs) - _bases(node) else 0
            self.level(ours, members, f"{name}.", (self.ours.header_end(node), last.last), source)
        elif not last.says(piece):
            if holds:
                self._replace(piece, versions)
            self._note("kept" if holds else "restored", name, last.line)

    def _header(
        self, piece: Piece, last: Piece, node: ast.ClassDef, theirs: ast.ClassDef, name: str, holds: bool
    ) -> None:
        """Choose the header of a class: the student's for a class with answers, else the clean copy's."""
        if alike(_header_of(node), _header_of(theirs)):
            return
        if not holds:
            self._note("restored", f"{name} (its first line)", last.line)
            return
        end, theirs_end = self.ours.header_end(node), self.theirs.header_end(theirs)
        self.replaced[piece.first] = (end, self.theirs.moved(last.first, theirs_end, last.indent, piece.indent))
        self._note("added", f"{name} (its first line)", last.line)


def _first_import(clean: Sequence[Piece], anchor: int) -> Piece | None:
    """The clean copy's first import, if it follows the anchor. An import added there is placed above it."""
    after = next((piece for piece in clean if piece.first > anchor), None)
    earlier = any(piece.imports and not is_future(piece) for piece in clean if piece.first <= anchor)
    return after if after and after.imports and not earlier else None


def _called(piece: Piece, source: Source) -> str:
    if piece.definition:
        return piece.definition.name
    return source.lines[piece.node.lineno - 1].strip()[:60]


def _header_of(node: ast.ClassDef) -> ast.ClassDef:
    return ast.ClassDef(node.name, node.bases, node.keywords, [ast.Pass()], node.decorator_list)


def _bases(node: ast.ClassDef) -> set[str]:
    return {base.id for base in node.bases if isinstance(base, ast.Name)}
