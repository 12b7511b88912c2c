"""Detects, inside a worker, that a submission uses an operator that its question rules out.

Kernels are overridden in torch's dispatcher. This costs no time and covers every thread and every way of calling them.
Torch's Python versions of the same operators are replaced. Under a rule about the autograd engine, no operator records
a graph, and every entry to the engine is replaced. Each use is refused and recorded, so that a `try` in the submission
does not hide it. A record is evidence, not proof: the submission shares the process and could undo the guard.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType, FunctionType, SimpleNamespace
from typing import Any, NoReturn

import torch

from autograder.course.rule import Rule

__all__ = ["CoveredCache", "ForbiddenOperation", "Guard", "registered"]

KEYS = ("CPU", "AutogradCPU", "MkldnnCPU", "QuantizedCPU")
CUDA_KEYS = ("CUDA", "AutogradCUDA")  # a build without CUDA has no kernels for these
# Packages of torch with Python versions of operators.
IN_PYTHON = ("torch._decomp", "torch._refs", "torch._prims")
# Every entry from Python into the engine: module, attribute. Each public function calls one of these.
ENGINE = (
    ("torch.autograd", "_engine_run_backward"),
    ("torch.autograd.graph", "_engine_run_backward"),
    ("torch.autograd.variable", "ImperativeEngine"),
    ("torch.autograd.functional", "_grad_preprocess"),  # jvp, vjp, jacobian, …, which find nothing without a graph
    ("torch.autograd.forward_ad", "enter_dual_level"),
    ("torch._C", "_ImperativeEngine"),
    ("torch._C._functorch", "_grad_increment_nesting"),
    ("torch._C._functorch", "_jvp_increment_nesting"),
    ("torch._functorch.eager_transforms", "_grad_increment_nesting"),
    ("torch._functorch.eager_transforms", "_jvp_increment_nesting"),
)
# Functions that return raw kernels, or compile kernels that bypass the dispatcher. They are closed during imports.
KEPT_AWAY = (
    "_dispatch_get_computed_kernel_for_dispatch_key",
    "_jit_override_can_fuse_on_cpu",
    "_jit_set_llga_enabled",
    "_jit_set_texpr_fuser_enabled",
)
MAX_RECORDS = 16


class ForbiddenOperation(RuntimeError):
    """Raised in the submission's code when it uses something that the question rules out."""


def registered() -> list[str]:
    """The sorted names of the operators that torch has registered here, without overloads: `aten::conv2d`."""
    return sorted({name.partition(".")[0] for name in torch._C._dispatch_get_all_op_names()})


@dataclass
class CoveredCache:
    """A cache of the kernels and functions that rules cover. The search takes longer than overriding them.

    Attributes:
        kernels: by a rule's name, [namespace, overload, dispatch key] of each kernel.
        functions: by a rule's name, [a module's or a table's dictionary, name] of each function in Python.
    """

    kernels: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    functions: dict[str, list[tuple[dict[Any, Any], Any]]] = field(default_factory=dict)

    def kernels_of(self, rule: Rule) -> list[tuple[str, str, str]]:
        if rule.name not in self.kernels:
            self.kernels[rule.name] = list(_kernels(rule))
        return self.kernels[rule.name]

    def functions_of(self, rule: Rule) -> list[tuple[dict[Any, Any], Any]]:
        if rule.name not in self.functions:
            self.functions[rule.name] = list(_functions(rule))
        return self.functions[rule.name]


class Guard:
    """Enforces some rules from its creation on, until they are lifted.

    A lifted rule does not come back: code that ran without it may have stored a reference to the original function.

    Args:
        places: a cache for a process that makes many guards; None to search anew.
        graph: True to let operators record a graph under a rule about the autograd engine. Every entry to the engine is
            closed in any case. Removing all derivative formulas as well takes many times as long.
    """

    def __init__(self, rules: Sequence[Rule], places: CoveredCache | None = None, *, graph: bool = False) -> None:
        self._places, self._graph = places, graph
        self._seen: list[tuple[str, list[tuple[str, int]]]] = []
        self._rules = {rule.name: rule for rule in rules}
        self._importing = False
        self._kernels: list[tuple[str, Callable[[], None]]] = []  # rule, a function that lifts a part of it
        self._names: list[tuple[str, Callable[[], None]]] = []  # the same for functions replaced in Python
        self._lay_on_kernels(rules)
        for rule in rules:
            functions = (places or CoveredCache()).functions_of(rule)
            self._names += [(rule.name, lift) for lift in _in_python(functions, self._watch(rule))]
            if rule.engine == "autograd":
                self._names += [(rule.name, lift) for lift in _no_engine(self._watch(rule), self._refuse(rule))]

    def keep_only(self, names: Collection[str]) -> None:
        """Lift every other rule."""
        for lifts in (self._names, self._kernels):
            for name, lift in reversed(lifts):  # two rules may have replaced the same thing
                if name not in names:
                    lift()
            lifts[:] = [(name, lift) for name, lift in lifts if name in names]
        self._rules = {name: rule for name, rule in self._rules.items() if name in names}

    @property
    def has_seen(self) -> bool:
        """True if a use was recorded since the last call of `used`."""
        return bool(self._seen)

    @contextmanager
    def importing(self) -> Iterator[None]:
        """Allow operators while a submission is imported: an import does not know the inputs.

        Replaced Python functions stay replaced and call the original, so that a stored reference refuses later. The
        autograd engine stays closed: a graph, or a function that differentiates, could be used after the import.
        """
        lifted = [(name, lift) for name, lift in self._kernels if not self._rules[name].engine]
        for _, lift in reversed(lifted):
            lift()
        self._kernels = [(name, lift) for name, lift in self._kernels if self._rules[name].engine]
        self._seen, self._importing = [], True
        names = vars(torch._C)
        kept = [_replaced(names, name, _keep_away) for name in KEPT_AWAY if name in names]
        try:
            yield
        finally:
            self._seen, self._importing = [], False
            for give_back in kept:
                give_back()
            self._lay_on_kernels([rule for rule in self._rules.values() if not rule.engine])

    def _lay_on_kernels(self, rules: Iterable[Rule]) -> None:
        places = self._places or CoveredCache()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns about overridden kernels
            for rule in rules:
                kernels = places.kernels_of(rule)
                self._kernels += [(rule.name, lift) for lift in _in_dispatcher(kernels, self._refuse(rule))]
                if rule.engine == "autograd" and not self._graph:
                    self._kernels += [(rule.name, lift) for lift in _no_graph(rule)]

    def used(self, own: Collection[str]) -> list[list[Any]]:
        """The uses since the last call: [rule, file, line], with the deepest line in the submission's `own` files.

        The file is "" if none of them is on the stack.
        """
        seen, self._seen = self._seen, []
        return [[rule, *next((step for step in stack if step[0] in own), ("", 0))] for rule, stack in seen]

    def _refuse(self, rule: Rule) -> Callable[..., NoReturn]:
        def refuse(*args: object, **kwargs: object) -> NoReturn:
            if len(self._seen) < MAX_RECORDS:
                self._seen.append((rule.name, _stack()))
            raise ForbiddenOperation(f"{rule.says} may not be used in this question")

        return refuse

    def _watch(self, rule: Rule) -> Callable[[Any], Callable[..., Any]]:
        """Makes the replacement of a function. It refuses calls, except during imports if the rule has no engine."""
        refuse = self._refuse(rule)

        def watched(original: Any) -> Callable[..., Any]:
            def watch(*args: Any, **kwargs: Any) -> Any:
                return original(*args, **kwargs) if self._importing and not rule.engine else refuse()

            return watch

        return watched


def _keep_away(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("kernels are not to be had here")


def _kernels(rule: Rule) -> Iterator[tuple[str, str, str]]:
    """Namespace, overload and dispatch key of each kernel of the operators that a rule covers."""
    keys = KEYS if torch.version.cuda is None else (*KEYS, *CUDA_KEYS)
    ruled = {name for name in registered() if rule.covers(name)}
    for name in torch._C._dispatch_get_all_op_names():
        if name.partition(".")[0] in ruled:
            for key in keys:
                if torch._C._dispatch_has_computed_kernel_for_dispatch_key(name, key):
                    yield name.partition("::")[0], name.partition("::")[2], key


def _in_dispatcher(
    kernels: Sequence[tuple[str, str, str]], refuse: Callable[..., NoReturn]
) -> Iterator[Callable[[], None]]:
    """Override kernels with a refusal, one namespace at a time. Yields a function that lifts each part."""
    for namespace in sorted({namespace for namespace, _, _ in kernels}):
        library = _library(namespace)
        yield library.reset
        for owner, name, key in kernels:
            if owner == namespace:
                library.impl(name, key, refuse, False)


def _library(namespace: str) -> Any:
    """A set of registrations in a namespace of the dispatcher. Its `reset` removes them.

    `torch.library.Library` would take four times as long for each registration.
    """
    return torch._C._dispatch_library("IMPL", namespace, "", __file__, 0)


def _functions(rule: Rule) -> Iterator[tuple[dict[Any, Any], Any]]:
    """Torch's Python versions of the operators that a rule covers: functions of modules, and entries of tables."""
    modules = [module for name, module in sys.modules.items() if name.startswith(IN_PYTHON) and module]
    for module in modules:
        for name, value in vars(module).items():
            if isinstance(value, FunctionType) and rule.covers(f"aten::{name}"):
                yield vars(module), name
    for table in torch._decomp.global_decomposition_table.values():
        for operator in table:
            if isinstance(operator, torch._ops.OpOverload) and rule.covers(operator._name.partition(".")[0]):
                yield table, operator


def _in_python(
    functions: Sequence[tuple[dict[Any, Any], Any]], watched: Callable[[Any], Callable[..., Any]]
) -> Iterator[Callable[[], None]]:
    """Replace functions in their modules and tables. Yields a function that undoes each replacement."""
    for names, name in functions:
        yield _replaced(names, name, watched(names[name]))


def _no_graph(rule: Rule) -> Iterator[Callable[[], None]]:
    """Remove the derivative formulas of all operators, so that no graph is recorded.

    Operators that write into an `out` tensor have no formula, and operators that the rule covers are refused anyway.
    """
    formulas = [
        name
        for name in torch._C._dispatch_get_all_op_names()
        if torch._C._dispatch_has_kernel_for_dispatch_key(name, "Autograd")
        and not rule.covers(name.partition(".")[0])
        and not _writes_to_out(name)
    ]
    for namespace in sorted({name.partition("::")[0] for name in formulas}):
        library = _library(namespace)
        yield library.reset
        for name in formulas:
            if name.startswith(f"{namespace}::"):
                library.impl(name.partition("::")[2], "Autograd", torch.library.fallthrough_kernel)


def _writes_to_out(name: str) -> bool:
    arguments = torch._C._get_schema(*name.split(".", 1) if "." in name else (name, "")).arguments
    return any(each.kwarg_only and each.alias_info and each.alias_info.is_write for each in arguments)


def _no_engine(
    watched: Callable[[Any], Callable[..., Any]], refuse: Callable[..., NoReturn]
) -> Iterator[Callable[[], None]]:
    """Replace the entries to the engine. The engine object itself stays closed during imports, too."""
    for module, name in ENGINE:
        if module in sys.modules:
            names = vars(sys.modules[module])
            yield _replaced(names, name, refuse if "ImperativeEngine" in name else watched(names[name]))
    variable: Any = torch.autograd.Variable
    engine = variable._execution_engine
    variable._execution_engine = SimpleNamespace(run_backward=watched(engine.run_backward))
    yield lambda: setattr(variable, "_execution_engine", engine)


def _replaced(names: dict[Any, Any], name: Any, instead: object) -> Callable[[], None]:
    """Replace the value of a name. Returns a function that undoes it."""
    original, names[name] = names[name], instead
    return lambda: names.update({name: original})


def _stack() -> list[tuple[str, int]]:
    """File and line of each frame, deepest first."""
    steps: list[tuple[str, int]] = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and len(steps) < 200:
        steps.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return steps
