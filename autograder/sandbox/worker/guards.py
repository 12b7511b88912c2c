"""Notices, inside a worker, that a submission uses what its question rules out.

Kernels are overridden in torch's dispatcher, which costs nothing, covers every thread and every way to call them. What
torch has of the same operators in Python is replaced. Where a rule is about the autograd engine, no operator records a
graph, and every entry to the engine is replaced. Each use is recorded as well as refused, so that a `try` in the
submission does not hide it. This is evidence, not proof: the submission shares the process and could undo it.
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

__all__ = ["ForbiddenOperation", "Guard", "Places", "registered"]

KEYS = ("CPU", "AutogradCPU", "MkldnnCPU", "QuantizedCPU")
CUDA_KEYS = ("CUDA", "AutogradCUDA")  # no kernel of a build without CUDA is reached by these
# Packages of torch that hold operators once more, written in Python.
IN_PYTHON = ("torch._decomp", "torch._refs", "torch._prims")
# Every way from Python into the engine: module, attribute. Each public function calls one of these.
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
# What hands out kernels as they are, or compiles new ones past the dispatcher: not even for the time of an import.
KEPT_AWAY = (
    "_dispatch_get_computed_kernel_for_dispatch_key",
    "_jit_override_can_fuse_on_cpu",
    "_jit_set_llga_enabled",
    "_jit_set_texpr_fuser_enabled",
)
MAX_RECORDS = 16


class ForbiddenOperation(RuntimeError):
    """Raised in the submission's code where it uses what the question rules out."""


def registered() -> list[str]:
    """The operators that torch has registered in this process, without overloads and in order: `aten::conv2d`."""
    return sorted({name.partition(".")[0] for name in torch._C._dispatch_get_all_op_names()})


@dataclass
class Places:
    """Where torch has what rules cover. To look for it takes longer than to lay a rule on there.

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
    """Watches for some rules from its creation on, until they are lifted.

    A rule that was lifted does not come back: code that ran without it may have kept hold of what it is to watch.

    Args:
        places: where to lay the rules on; None looks for it. For a process that makes a guard for every call.
        graph: whether operators record a graph under a rule about the autograd engine. Every entry to the engine is
            closed in any case; to take all derivative formulas away as well takes many times as long.
    """

    def __init__(self, rules: Sequence[Rule], places: Places | None = None, *, graph: bool = False) -> None:
        self._places, self._graph = places, graph
        self._seen: list[tuple[str, list[tuple[str, int]]]] = []
        self._rules = {rule.name: rule for rule in rules}
        self._importing = False
        self._kernels: list[tuple[str, Callable[[], None]]] = []  # rule, how to lift a part of it
        self._names: list[tuple[str, Callable[[], None]]] = []  # likewise, of what was replaced in Python
        self._lay_on_kernels(rules)
        for rule in rules:
            functions = (places or Places()).functions_of(rule)
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
        """Whether anything was used since the last call of `used`."""
        return bool(self._seen)

    @contextmanager
    def importing(self) -> Iterator[None]:
        """While a submission is imported, operators may be used: what is worked out then knows no inputs.

        What was replaced in Python stays replaced, and lets through: who keeps hold of it keeps what refuses later. An
        engine is not lent out: a graph, or a program that derives, would outlive the import and take inputs later.
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
        places = self._places or Places()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, that a kernel is overridden
            for rule in rules:
                kernels = places.kernels_of(rule)
                self._kernels += [(rule.name, lift) for lift in _in_dispatcher(kernels, self._refuse(rule))]
                if rule.engine == "autograd" and not self._graph:
                    self._kernels += [(rule.name, lift) for lift in _no_graph(rule)]

    def used(self, own: Collection[str]) -> list[list[Any]]:
        """What was used since the last call: [rule, file, line] of the deepest line in the submission's `own` files.

        The file is "" where none of them is on the stack.
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
        """What takes the place of a function: it refuses, but for the time of an import if it leads to no engine."""
        refuse = self._refuse(rule)

        def watched(original: Any) -> Callable[..., Any]:
            def watch(*args: Any, **kwargs: Any) -> Any:
                return original(*args, **kwargs) if self._importing and not rule.engine else refuse()

            return watch

        return watched


def _keep_away(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("kernels are not to be had here")


def _kernels(rule: Rule) -> Iterator[tuple[str, str, str]]:
    """Namespace, overload and dispatch key of every kernel of an operator that a rule covers."""
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
    """Put a refusal into the place of kernels, a namespace at a time; how to lift each part."""
    for namespace in sorted({namespace for namespace, _, _ in kernels}):
        library = _library(namespace)
        yield library.reset
        for owner, name, key in kernels:
            if owner == namespace:
                library.impl(name, key, refuse, False)


def _library(namespace: str) -> Any:
    """Registrations in a namespace of the dispatcher, which its `reset` takes back.

    Not `torch.library.Library`: that needs four times as long for each.
    """
    return torch._C._dispatch_library("IMPL", namespace, "", __file__, 0)


def _functions(rule: Rule) -> Iterator[tuple[dict[Any, Any], Any]]:
    """What torch has in Python of the operators that a rule covers, by function and in its tables."""
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
    """Replace functions where their modules and tables have them."""
    for names, name in functions:
        yield _replaced(names, name, watched(names[name]))


def _no_graph(rule: Rule) -> Iterator[Callable[[], None]]:
    """Take the derivative formulas from all operators: no graph is recorded, so that nothing can run through one.

    Operators that write into a given tensor have none, and those that the rule covers are refused as they are.
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
    """Replace the ways into the engine. The engine itself is handed to nobody, at an import either."""
    for module, name in ENGINE:
        if module in sys.modules:
            names = vars(sys.modules[module])
            yield _replaced(names, name, refuse if "ImperativeEngine" in name else watched(names[name]))
    variable: Any = torch.autograd.Variable
    engine = variable._execution_engine
    variable._execution_engine = SimpleNamespace(run_backward=watched(engine.run_backward))
    yield lambda: setattr(variable, "_execution_engine", engine)


def _replaced(names: dict[Any, Any], name: Any, instead: object) -> Callable[[], None]:
    """Put something else under a name; how to undo that."""
    original, names[name] = names[name], instead
    return lambda: names.update({name: original})


def _stack() -> list[tuple[str, int]]:
    """File and line of every frame, deepest first."""
    steps: list[tuple[str, int]] = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and len(steps) < 200:
        steps.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return steps
