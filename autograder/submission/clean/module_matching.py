"""Matches a student's pieces with the pieces of the clean copy, in a module or in the body of a class."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Sequence

from autograder.submission.clean.module_pieces import Imported, Piece
from autograder.submission.source.imports import is_installed

__all__ = ["Level", "after_docstring", "after_preamble", "is_docstring", "is_future", "is_star"]


class Level:
    """One body of the clean copy. It takes the student's pieces one after the other.

    Args:
        clean: the pieces of the clean body.
        prefix: "" for the module, `Conv.` for a class.
        answers: dotted names of the functions that students write.

    Attributes:
        indent: the indentation of the clean body.
        versions: name → the student's pieces that define or assign it, for the names of the clean body.
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
        """The clean piece that matches the student's, or None.

        Example: the student's `def forward(...)` in `Conv` matches the clean `def forward` there, whatever its body.
        """
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
        """True if this statement only assigns one answer or one given constant.

        An answer counts only directly above its own place, below the clean line `anchor`, because its value may use
        names that are defined before. Example: `forward = _fast_forward`.
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
        """True if this piece star-imports a module of the student's, which may define answers."""
        given = {each.module.partition(".")[0] for each in self._imports.values()}
        modules = {each.module.partition(".")[0] for each in piece.imports or () if each.name == "*"}
        return any(module not in given and not is_installed(module) for module in modules)

    def gone(self, piece: Piece) -> bool:
        """True if no piece of the student's matched this clean statement. Call it after all calls of `place`."""
        return self._left[piece.shape] > 0

    def spoilt(self, piece: Piece) -> list[str]:
        """The given names, also dotted ones, that the student's piece rebinds."""
        if self._closed and any(name.startswith("__") for name in piece.binds):
            return sorted(piece.binds)  # a special method such as `__call__` would change a given class
        same = {each.name for each in piece.imports or () if self._same(each)}
        return sorted(name for name in piece.binds - same if self._is_given(name))

    def other_names(self, piece: Piece) -> list[str]:
        """The text of an import without the names that the clean copy binds otherwise."""
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
        """True if a name, perhaps dotted, is an answer or a class with answers."""
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
    """The last line of the docstring and the `__future__` imports, which must come first."""
    ends = [piece.last for piece in clean if is_future(piece)]
    return max([after_docstring(clean, start), *ends])
