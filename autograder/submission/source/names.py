"""The names that a statement binds, and those that it reads at once. No code is run."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator

__all__ = ["binds", "loads", "too_early"]

Function = ast.FunctionDef | ast.AsyncFunctionDef
COMPREHENSIONS = ast.GeneratorExp | ast.ListComp | ast.SetComp | ast.DictComp
# Statements that bind their names last, after all reads.
AT_THE_END = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AugAssign, ast.AnnAssign)


def binds(top: ast.AST) -> Iterator[str]:
    """The names that a statement binds or deletes, and the dotted names that it assigns.

    >>> sorted(binds(ast.parse("x, a.b = 1, 2").body[0]))
    ['a.b', 'x']
    """
    waiting = [top]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.Attribute(ctx=ast.Store() | ast.Del()) if full := _dotted(node):
                yield full
            case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[owner, ast.Constant(value=str(name)), *_]):
                if full := _dotted(owner):
                    yield f"{full}.{name}"
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield name
            case ast.ExceptHandler(name=str(name)):
                yield name
            case ast.Import() | ast.ImportFrom():
                yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
        if isinstance(node, ast.ClassDef):
            waiting += [*node.decorator_list, *node.bases, *node.keywords]
        elif isinstance(node, COMPREHENSIONS):  # its variables stay inside, except those of `:=`
            waiting += [each for part in ast.iter_child_nodes(node) for each in _walruses(part)]
        else:
            waiting += _at_once(node)


def loads(top: ast.AST) -> Iterator[str]:
    """The names that a statement reads when it is executed. A function's body reads its names later, when called."""
    waiting = [top]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Name(id=name, ctx=ast.Load() | ast.Del()) | ast.AugAssign(target=ast.Name(id=name)):
                yield name
        if isinstance(node, COMPREHENSIONS):
            yield from _named(node, ast.Load) - _named(node, ast.Store)
        else:
            waiting += _at_once(node)


def too_early(tree: ast.Module) -> dict[str, int]:
    """The names that a module reads before a later statement binds them, with the line of the first read."""
    bound = [set(binds(node)) for node in tree.body]
    later = set[str]().union(*bound)
    early: dict[str, int] = {}
    for node, own in zip(tree.body, bound, strict=True):
        if not isinstance(node, AT_THE_END):
            later -= own
        early |= {name: node.lineno for name in loads(node) if name in later and name not in early}
        later -= own
    return {name: line for name, line in early.items() if not hasattr(builtins, name)}


def _at_once(node: ast.AST) -> Iterable[ast.AST]:
    """The child nodes that are evaluated together with a node. For a function: defaults, decorators, annotations."""
    if isinstance(node, Function | ast.Lambda):
        args = node.args
        yield from (default for default in (*args.defaults, *args.kw_defaults) if default is not None)
        if isinstance(node, Function):
            yield from node.decorator_list
            every = (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg)
            notes = (node.returns, *(arg.annotation for arg in every if arg is not None))
            yield from (note for note in notes if note is not None)
    else:
        yield from ast.iter_child_nodes(node)


def _named(top: ast.AST, how: type[ast.expr_context]) -> set[str]:
    return {node.id for node in ast.walk(top) if isinstance(node, ast.Name) and isinstance(node.ctx, how)}


def _walruses(top: ast.AST) -> list[ast.AST]:
    return [node for node in ast.walk(top) if isinstance(node, ast.NamedExpr)]


def _dotted(node: ast.expr) -> str:
    """The dotted name of an expression like `Conv.forward`, "" for any other expression."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""
