"""Searches a submission's source for names that a question rules out.

A finding is evidence, not proof: the guards in the worker watch the code that really runs. Unclear cases are not
reported, since a false accusation costs more than a miss.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from autograder.course.model import Question
from autograder.course.rule import Rule
from autograder.submission.source.parse import parse
from autograder.submission.source.scope import Scope

__all__ = ["UseKind", "Violation", "scan", "scan_questions"]

Function = ast.FunctionDef | ast.AsyncFunctionDef

BACKWARD_KEYWORDS = frozenset({"gradient", "retain_graph", "create_graph", "inputs"})
SUSPICIOUS = re.compile(
    r"(torch\.(_C|jit|_decomp|_refs|_prims|_inductor|_functorch|library)|gc|ctypes|inspect|importlib|sys\.modules|sys\._getframe|builtins\.(__import__|eval|exec|__builtins__))(\..+)?"
)


class UseKind(StrEnum):
    FORBIDDEN = "forbidden"  # a name that the question rules out
    SUSPICIOUS = "suspicious"  # a possible way around a rule; a person has to look at it


@dataclass(frozen=True)
class Violation:
    """One use, for example `torch.nn.functional.conv2d` in line 12. `rule` is None for a suspicious use."""

    kind: UseKind
    what: str
    line: int
    rule: str | None = None


def scan(source: str | bytes, component: str, rules: Collection[Rule]) -> tuple[Violation, ...]:
    """The uses in an answer that break a rule of the question, in order of line.

    The search covers `component`, and the functions and methods of its own class that it refers to in the same file.
    Other classes are left out, since given layers may use forbidden names.

    Args:
        source: the submission's file.
        component: the dotted name that answers the question, `Conv.forward`.
        rules: the question's rules; without one, nothing is reported.

    Returns:
        The uses; () if the source does not parse or lacks the component, which its import will report.
    """
    tree = parse(source) if rules else None
    return _scan(tree, component, rules) if tree else ()


def scan_questions(
    tree: ast.Module, questions: Iterable[Question], rules: Mapping[str, Rule]
) -> dict[str, tuple[Violation, ...]]:
    """The findings of `scan` by question id, for questions that have findings.

    Args:
        tree: the parse tree of the submission's file.
        rules: the course's rules by name.
    """
    found = {
        question.id: _scan(tree, question.component, [rules[name] for name in question.rules])
        for question in questions
        if question.rules
    }
    return {id: violations for id, violations in found.items() if violations}


def _scan(tree: ast.Module, component: str, rules: Collection[Rule]) -> tuple[Violation, ...]:
    found: set[Violation] = set()
    try:
        scope = Scope().inside(tree)
        for node in _reached(tree, component):
            look = _Look(node, scope.inside(node), rules)
            look.visit(node)
            found |= look.found
    except RecursionError:
        return ()
    return tuple(sorted(found, key=lambda violation: (violation.line, violation.what)))


def _reached(tree: ast.Module, component: str) -> Iterator[ast.AST]:
    """The component's functions and all functions that they refer to, each once."""
    functions, classes = _defined(tree)
    owner, _, method = component.partition(".")
    methods = classes.get(owner, {})
    waiting: list[ast.AST]
    if method or not methods:
        start = methods.get(method) if method else functions.get(owner)
        waiting = [start] if start else []
    else:
        waiting = list(methods.values())
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        for part in ast.walk(node):
            match part:
                case ast.Name(id=name, ctx=ast.Load()) if name in functions:
                    waiting.append(functions[name])
                case ast.Attribute(value=ast.Name(id=base), attr=name) if name in methods:
                    if base in (owner, "self", "cls"):
                        waiting.append(methods[name])


def _defined(tree: ast.Module) -> tuple[Mapping[str, ast.AST], Mapping[str, Mapping[str, ast.AST]]]:
    """The top-level functions and lambdas by name, and the methods of each class."""
    functions: dict[str, ast.AST] = {}
    classes: dict[str, dict[str, ast.AST]] = {}
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                functions[name] = node
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda() as value):
                functions[name] = value
            case ast.ClassDef(name=name, body=body):
                classes[name] = {item.name: item for item in body if isinstance(item, Function)}
    return functions, classes


class _Look(ast.NodeVisitor):
    """Collects violations in one function."""

    def __init__(self, function: ast.AST, scope: Scope, rules: Collection[Rule]) -> None:
        self.scope, self.rules, self.layers = scope, rules, _layers(function)
        self.engine = next((rule for rule in rules if rule.engine == "autograd"), None)
        self.found: set[Violation] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._judge(self.scope.resolve(node), node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr == "grad_fn":
            self._forbid(".grad_fn", node)
        full = self.scope.resolve(node)
        if not full:
            self.generic_visit(node)
        elif full.startswith("torch.") and node.attr == "__dict__":
            self._suspect(full, node)
        else:
            self._judge(full, node)

    def visit_Call(self, node: ast.Call) -> None:
        function = self.scope.resolve(node.func)
        if function in ("builtins.getattr", "builtins.vars") and node.args:
            of = self.scope.resolve(node.args[0])
            if of == "torch" or of.startswith("torch."):
                self._reflection(node, of)
        if self.engine:
            self._engine(node)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        wanted = any(isinstance(target, ast.Attribute) and target.attr == "requires_grad" for target in node.targets)
        if wanted and self.engine and not _is_false(node.value):
            self._forbid("requires_grad", node)
        self.generic_visit(node)

    def _reflection(self, node: ast.Call, of: str) -> None:
        """Judge `getattr` and `vars` of torch: with a literal name like that attribute, else as suspicious."""
        if full := self.scope.resolve(node):
            self._judge(full, node)
        else:
            self._suspect(f"an attribute of {of} by a computed name", node)

    def _engine(self, node: ast.Call) -> None:
        """Report a call that enters torch's autograd engine through a tensor."""
        if any(key.arg == "requires_grad" and not _is_false(key.value) for key in node.keywords):
            self._forbid("requires_grad", node)
        if not isinstance(node.func, ast.Attribute):
            return
        if node.func.attr == "requires_grad_" and not (node.args and _is_false(node.args[0])):
            self._forbid(".requires_grad_()", node)
        if node.func.attr == "backward" and _is_tensors(node, self.layers):
            self._forbid(".backward()", node)

    def _judge(self, full: str, node: ast.expr) -> None:
        rule = next((rule for rule in self.rules if rule.names(full)), None)
        if rule:
            self.found.add(Violation(UseKind.FORBIDDEN, full, node.lineno, rule.name))
        elif SUSPICIOUS.fullmatch(full):
            self._suspect(full.removeprefix("builtins."), node)

    def _forbid(self, what: str, node: ast.stmt | ast.expr) -> None:
        """Report a use of torch's autograd engine, if one of the rules is about the engine."""
        if self.engine:
            self.found.add(Violation(UseKind.FORBIDDEN, what, node.lineno, self.engine.name))

    def _suspect(self, what: str, node: ast.expr) -> None:
        self.found.add(Violation(UseKind.SUSPICIOUS, what, node.lineno))


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value


def _layers(function: ast.AST) -> frozenset[str]:
    """The names that hold a class or an instance of one: `layer = Linear`, `layer = Linear(3, 4)`."""
    names = set()
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=maker) | maker) if _capital(maker):
                names.add(name)
    return frozenset(names)


def _capital(node: ast.expr) -> bool:
    """True if an expression looks like a class: its last name begins with a capital letter."""
    last = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return last[:1].isupper()


def _is_tensors(call: ast.Call, layers: Collection[str]) -> bool:
    """True if a call of `.backward` is one of a tensor rather than of a layer.

    A tensor's `backward` takes at most the upstream gradient, a layer's also a cache. A class, `self`, a name that
    holds a layer, and an attribute that may hold one count as layers.
    """
    assert isinstance(call.func, ast.Attribute)
    keywords = {key.arg for key in call.keywords}
    if len(call.args) > 1 or not keywords <= BACKWARD_KEYWORDS:
        return False
    match call.func.value:
        case ast.Name(id=name):
            return not name[:1].isupper() and name not in ("self", "cls", *layers)
        case ast.Attribute() as base:
            return not _capital(base) and (bool(keywords) or not call.args)
        case ast.Call(func=maker):
            return not _capital(maker) and not (isinstance(maker, ast.Name) and maker.id == "super")
        case other:
            return isinstance(other, ast.BinOp | ast.UnaryOp)
