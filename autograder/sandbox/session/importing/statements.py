"""Runs the modules of a submission when it is imported, and skips statements that fail.

A statement that fails costs what uses the names that it binds: stand-ins take the places of those that have no value.
Imports, functions and classes are never skipped for a failure of their own. If one of them fails, so does the module.

A module is run as a whole. If a statement at its top level raises, the rest of the module is run one statement at a
time in the same namespace. Nothing is run again: a training above the statement does not train twice, and whatever the
statement did before it raised stays done. There is one exception. A statement that imports another module of the
submission, in which a statement fails, runs once more, so that a `try` around the import sees the failure first.
"""

from __future__ import annotations
import __future__

import ast
import importlib
import typing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from types import CodeType, TracebackType
from typing import Any

from autograder.sandbox.channel.failures import kind_of, ran_out, skipped
from autograder.sandbox.session.importing.standins import MAX_ADDED, Raised, causes, lost, uses

__all__ = ["MAX_SKIPPED", "Statements"]

MAX_SKIPPED = 20  # statements of one import; the next one that fails ends the import
KEPT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# What skips a statement. `exit()` at the end of a file raises SystemExit, and so does `unittest.main()`.
SKIPPING = (Exception, SystemExit)


class Statements:
    """Runs modules statement by statement, inside the block `importing`. Outside of it, they are run as they are.

    Args:
        may_skip: returns False for an error that has to end this import.
        excuse: returns the reason why something that a statement used is not here, if the statement's error is due to
            this; else "". The arguments are the error and the number of uses of stand-ins before the statement.
        add: adds a stand-in for the missing module that an error tells of, and returns True if it did.
        ignored: returns True if the failure of any statement may be ignored, inside `one_by_one`.
    """

    def __init__(
        self,
        may_skip: Callable[[BaseException], bool] = lambda _: True,
        excuse: Callable[[BaseException, int], str] = lambda *_: "",
        add: Callable[[BaseException], bool] = lambda _: False,
        ignored: Callable[[], bool] = lambda: False,
    ) -> None:
        self._may_skip, self._excuse, self._add, self._ignored = may_skip, excuse, add, ignored
        self._importing = self._one_by_one = self._in_all = False
        self._depth = 0
        self._refused: BaseException | None = None  # of a module that the first one imports
        self._skipped: dict[str, list[tuple[int, str]]] = {}  # by path

    @property
    def skipped(self) -> list[tuple[str, int, str]]:
        """Path, line and kind of exception of each statement that was skipped."""
        return [(path, line, kind) for path, of in self._skipped.items() for line, kind in of]

    @contextmanager
    def importing(self) -> Iterator[None]:
        """The block in which a submission is imported."""
        self._importing, self._skipped = True, {}
        try:
            yield
        finally:
            self._importing, self._refused = False, None

    @contextmanager
    def one_by_one(self) -> Iterator[None]:
        """Inside this block, modules are run one statement at a time from their beginning.

        So each failure that is due to a stand-in is known by its statement.
        """
        self._one_by_one = True
        try:
            yield
        finally:
            self._one_by_one = False

    def run(self, path: str, source: bytes, names: dict[str, Any], whole: Callable[[], None]) -> None:
        """Run a module.

        Args:
            path: the file, as it appears in code objects.
            names: the module's namespace.
            whole: runs the module as a whole.
        """
        if not self._importing:
            whole()
            return
        module = _Module(path, source, names, is_first=self._depth == 0)
        self._skipped.pop(path, None)
        self._depth += 1
        try:
            self._run(module, whole)
        except BaseException:
            self._skipped.pop(path, None)
            raise
        finally:
            self._depth -= 1

    def _run(self, module: _Module, whole: Callable[[], None]) -> None:
        first = 0
        if not self._one_by_one:
            before = uses()
            try:
                whole()
                return
            except SKIPPING as error:
                failed = module.position(error)
                if failed is None or self._excuse(error, before):
                    raise
                self._skip(module, module.tree.body[failed], error)
                first = failed + 1
        for statement in chain.from_iterable(map(_parts, module.tree.body[first:])):
            before = uses()
            try:
                self._execute(module, statement)
            except SKIPPING as error:
                if why := self._excuse(error, before):
                    module.lose(statement, why)
                elif not (self._one_by_one and self._ignored()):
                    self._skip(module, statement, error)

    def _execute(self, module: _Module, statement: ast.stmt) -> None:
        """Execute a statement, and repeat it with a stand-in for each module that it does not find."""
        code = module.code(statement)
        for _ in range(MAX_ADDED):
            try:
                exec(code, module.names)
                return
            except Exception as error:
                if not self._add(error):
                    raise
        exec(code, module.names)

    def _skip(self, module: _Module, statement: ast.stmt, error: BaseException) -> None:
        """Skip a failed statement, or raise its error."""
        if isinstance(error, SyntaxError) or ran_out(error) or not self._may_skip(error):
            raise error
        if module.is_first and any(cause is self._refused for cause in causes(error)):
            self._repeat(module, statement)
            return
        if isinstance(statement, KEPT) or len(self.skipped) >= MAX_SKIPPED:
            raise error
        if not (module.is_first or self._in_all):
            self._refused = error
            raise error
        step = module.step(error)
        line, kind = step.tb_lineno if step else statement.lineno, kind_of(error)
        self._skipped.setdefault(module.path, []).append((line, kind))
        module.lose(statement, Raised(skipped(module.path, line, kind)), anew=False)

    def _repeat(self, module: _Module, statement: ast.stmt) -> None:
        """Execute a statement again that failed in another module. This time, failed statements are skipped there."""
        self._refused, self._in_all = None, True
        try:
            self._execute(module, statement)
        except SKIPPING as error:
            self._skip(module, statement, error)
        finally:
            self._in_all = False


@dataclass
class _Module:
    """A module that is being run.

    Attributes:
        is_first: False if another module imports it.
    """

    path: str
    source: bytes
    names: dict[str, Any]
    is_first: bool

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, self.path)

    @cached_property
    def _flags(self) -> int:
        code = compile(self.tree, self.path, "exec", dont_inherit=True)
        return code.co_flags & __future__.annotations.compiler_flag

    def code(self, statement: ast.stmt) -> CodeType:
        code: CodeType = compile(ast.Module([statement], []), self.path, "exec", self._flags, dont_inherit=True)
        return code

    def step(self, error: BaseException) -> TracebackType | None:
        """The step of an error's traceback at this module's top level."""
        step = error.__traceback__
        while step is not None:
            code = step.tb_frame.f_code
            if step.tb_frame.f_globals is self.names and (code.co_filename, code.co_name) == (self.path, "<module>"):
                return step
            step = step.tb_next
        return None

    def position(self, error: BaseException) -> int | None:
        """The index of the statement at the top level in which an error was raised; None if it is unknown."""
        step = self.step(error)
        if step is None:
            return None
        positions = step.tb_frame.f_code.co_positions()
        line, _, column, _ = next(islice(positions, step.tb_lasti // 2, None), (None,) * 4)
        place = (line or step.tb_lineno, column or 0)
        begins = [_begin(statement) <= place for statement in self.tree.body]
        return begins.count(True) - 1 if any(begins) else None

    def lose(self, statement: ast.stmt, why: str, *, anew: bool = True) -> None:
        """Put stand-ins in the places of the names that a statement binds.

        Args:
            anew: False to keep values that the names have.
        """
        bound = {name for name in _bound(statement) if anew or name not in self.names}
        self.names.update({name: lost(name, why) for name in bound if anew or not name.startswith("__")})


def _begin(statement: ast.stmt) -> tuple[int, int]:
    """Line and column of the begin of a statement, its decorators included."""
    decorators = getattr(statement, "decorator_list", [])
    return min((each.lineno, each.col_offset) for each in (statement, *decorators))


def _parts(statement: ast.stmt) -> Sequence[ast.stmt]:
    """A statement, but one that imports several names as one statement for each name."""
    match statement:
        case ast.Import(names=aliases):
            parts: list[ast.stmt] = [ast.Import([alias]) for alias in aliases]
        case ast.ImportFrom(module=module, names=aliases, level=level):
            parts = [ast.ImportFrom(_holding(module, alias.name), [alias], level) for alias in aliases]
        case _:
            return [statement]
    return [ast.copy_location(part, statement) for part in parts]


def _holding(module: str | None, name: str) -> str | None:
    """The module to import a name from: `typing_extensions` for a name that only a later `typing` has."""
    if module != "typing" or hasattr(typing, name):
        return module
    with suppress(ImportError):
        if hasattr(importlib.import_module("typing_extensions"), name):
            return "typing_extensions"
    return module


def _bound(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement of a module binds, without modules that it imports under their own names."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
                continue
            case ast.Name(id=name, ctx=ast.Store()) | ast.alias(asname=str(name)):
                yield name
            case ast.ImportFrom(names=aliases):
                yield from (alias.name for alias in aliases if alias.asname is None and alias.name != "*")
            case ast.comprehension(iter=values, ifs=conditions):
                waiting += [values, *conditions]
                continue
        if not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)
