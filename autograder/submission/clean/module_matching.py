"""One body of a clean module, or of a class in it: which of a student's pieces stand for which of its own."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Sequence

from autograder.submission.clean.module_pieces import Imported, Piece
from autograder.submission.source.imports import is_installed

__all__ = ["Level", "after_docstring", "after_preamble", "is_docstring", "is_future", "is_star"]


class Level:
    """Takes the student's pieces one after the other.

    Args:
        clean: the pieces of the clean body.
        prefix: "" for the module, `Conv.` for a class.
        answers: dotted names of the functions that students write.

    Attributes:
        indent: the indentation of the clean body.
        versions: name → the student's pieces that define it, or give it a value, where the clean body has that name.
    """

    def __init__(self, clean: Sequence[Piece], prefix: str, answers: Collection[str]) -> None:
        self.prefix = prefix
        self.indent = clean[0].indent if clean else ""
        self.versions: dict[str, list[Piece]] = {}
        self._clean, self._answers = clean, answers
        self._closed = prefix != "" and not any(answer.startswith(prefix) for answer in answers)
        self._defined = {piece.definition.name: piece for piece in clean if piece.definition}
        self._imports = {each.name: each for piece in clean for each in piece.imports or ()}
        self._import_places = {each: piece for piece in clean for each in piece.imports or ()}
        self._constants = {
            name: piece for piece in clean if not piece.definition and piece.imports is None for name in piece.binds
        }
        self._left = Counter(piece.shape for piece in clean if not piece.definition)
        self._places = {piece.shape: piece for piece in reversed(clean) if not piece.definition}
        self._docstring = clean[0] if clean and is_docstring(clean[0]) else None
        self._first = True

    def place(self, piece: Piece) -> Piece | None:
        """The clean piece that the student's stands for, if there is one."""
        first, self._first = self._first, False
        if first and self._docstring and is_docstring(piece):
            self._left[self._docstring.shape] -= 1
            return self._docstring
        if piece.definition and piece.definition.name in self._defined:
            self.versions.setdefault(piece.definition.name, []).append(piece)
            return self._defined[piece.definition.name]
        if not piece.definition and self._left[piece.shape] > 0:
            self._left[piece.shape] -= 1
            return self._places[piece.shape]
        places = [self._import_places.get(each) for each in piece.imports or ()]
        return places[0] if places and all(places) else None

    def claims(self, piece: Piece, anchor: int) -> bool:
        """Whether it gives an answer, or a given constant, its value in a way of its own, and nothing else.

        That of an answer is claimed where it stands in its place, below the clean line `anchor`: it may need what
        stands above it.
        """
        if len(piece.binds) != 1:
            return False
        (name,) = piece.binds
        known = self._defined.get(name) or self._constants.get(name)
        if known is None:
            return False
        if known.definition:
            following = next((each for each in self._clean if each.first > anchor), None)
            if not self._answered(name) or following is not known or name in self.versions:
                return False
        self.versions.setdefault(name, []).append(piece)
        return True

    def opens(self, piece: Piece) -> bool:
        """Whether it imports everything from a module of the student's, answers perhaps."""
        given = {each.module.partition(".")[0] for each in self._imports.values()}
        modules = {each.module.partition(".")[0] for each in piece.imports or () if each.name == "*"}
        return any(module not in given and not is_installed(module) for module in modules)

    def gone(self, piece: Piece) -> bool:
        """Whether a statement of the clean copy, once all places are given out, has none that stands for it."""
        return self._left[piece.shape] > 0

    def spoilt(self, piece: Piece) -> list[str]:
        """What is given, and the student's piece gives another meaning; dotted names too."""
        if self._closed and any(name.startswith("__") for name in piece.binds):
            return sorted(piece.binds)  # a given class with another `__init__` or `__call__` is another class
        same = {each.name for each in piece.imports or () if self._same(each)}
        return sorted(name for name in piece.binds - same if self._is_given(name))

    def other_names(self, piece: Piece) -> list[str]:
        """An import without the names that the clean copy gives a meaning."""
        if not isinstance(piece.node, ast.Import | ast.ImportFrom) or piece.imports is None:
            return []
        fine = [
            alias
            for alias, each in zip(piece.node.names, piece.imports, strict=True)
            if not self._is_given(each.name) or self._same(each)
        ]
        if not fine:
            return []
        of = piece.node
        rest = ast.ImportFrom(of.module, fine, of.level) if isinstance(of, ast.ImportFrom) else ast.Import(fine)
        return [self.indent + ast.unparse(rest)]

    def _same(self, each: Imported) -> bool:
        return self._imports.get(each.name) == each

    def _answered(self, name: str) -> bool:
        """Whether a name, perhaps dotted, is an answer's, or that of a class with answers."""
        full = self.prefix + name
        return any(answer == full or answer.startswith(f"{full}.") for answer in self._answers)

    def _is_given(self, name: str) -> bool:
        top, _, inside = name.partition(".")
        if inside and top in self._imports and not self._imports[top].attribute:
            return False  # a setting of a library: `torch.backends.cudnn.benchmark = True`
        return any(top in names for names in (self._defined, self._constants, self._imports)) and not self._answered(
            name
        )


def is_docstring(piece: Piece) -> bool:
    match piece.nodes:
        case (ast.Expr(value=ast.Constant(value=str())),):
            return True
    return False


def is_star(piece: Piece) -> bool:
    return any(each.name == "*" for each in piece.imports or ())


def is_future(piece: Piece) -> bool:
    return isinstance(piece.node, ast.ImportFrom) and piece.node.module == "__future__"


def after_docstring(clean: Sequence[Piece], start: int) -> int:
    return clean[0].last if clean and is_docstring(clean[0]) else start


def after_preamble(clean: Sequence[Piece], start: int) -> int:
    """The line after which anything may stand: docstring and imports from the future come first."""
    ends = [piece.last for piece in clean if is_future(piece)]
    return max([after_docstring(clean, start), *ends])
