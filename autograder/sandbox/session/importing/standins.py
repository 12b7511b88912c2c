"""Stand-ins: empty modules in place of missing ones. Importing one succeeds; using it raises an error that explains.

So a missing module only costs the answers that use it. While a submission is imported, operations on a stand-in give
further stand-ins: `transform = T.Compose([T.ToTensor()])` only costs the answers that use `transform`. A stand-in is
then empty and false. A statement that fails all the same is skipped, and stand-ins take the places of its names. Other
statements that fail are skipped in `statements`; the stand-ins for their names are of the same kind.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NoReturn

__all__ = [
    "MAX_ADDED",
    "OWN",
    "Raised",
    "StandInFinder",
    "causes",
    "excuse",
    "lost",
    "standing_in",
    "used_since",
    "uses",
]

OWN = "./"  # before the name of a module that only the student can have
DOUBTFUL = "?"  # before the name of an installed module that may need a missing one
# Modules whose functions only matter on Colab: calling them does nothing.
HARMLESS = "google.colab."
PACKAGE = "{} is not available in grading"
MODULE = "{} was not handed in, and no package of that name is available in grading"
NAME = "{} is not in the course's {}"
BROKEN = "{} could not be imported"
LACKS = "{} has no {} in grading"
MAX_ADDED = 20  # stand-ins that one import may add for missing modules


LACKING: dict[type[BaseException], re.Pattern[str]] = {  # by class of an error, the pattern of its message
    AttributeError: re.compile(r"module '(?P<module>[\w.]+)' has no attribute '(?P<name>\w+)'"),
    ImportError: re.compile(r"cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'"),
}
MAX_CAUSES = 8  # of one exception


class Raised(str):
    """The reason for a name without a value: the statement that binds it raised."""


class _State:
    importing = False
    uses = 0  # how often stand-ins have been used
    why = ""  # the reason why the module of the last used stand-in is missing


class StandInFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds stand-ins for the modules with these dotted names, and for modules below them, if no other finder does.

    Args:
        names: `torchvision` for a package, `./layers` for a module of the student's, `common.grad:my_check` for a name
            that a given module lacks, `?torch.utils.tensorboard` for an installed module that may need a missing one.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._careful = _CarefulFinder(name.removeprefix(DOUBTFUL) for name in names if name.startswith(DOUBTFUL))
        names = [name for name in names if not name.startswith(DOUBTFUL)]
        self._why = {name: PACKAGE.format(name) for name in names if not name.startswith(OWN) and ":" not in name}
        own = [name.removeprefix(OWN) for name in names if name.startswith(OWN)]
        self._why |= {name: MODULE.format(name) for name in own}
        self._lacking = [name.split(":") for name in names if ":" in name]
        self._why |= {f"{module}.{name}": NAME.format(name, module) for module, name in self._lacking}

    def add(self, error: BaseException, is_own: Callable[[str], bool]) -> bool:
        """Add a stand-in for the module that an import did not find; False if the error names none.

        Args:
            error: the error of the import, or an error that was raised while that one was handled.
            is_own: returns True for the dotted name of a module or package that was handed in.
        """
        for cause in causes(error):
            name = cause.name if isinstance(cause, ModuleNotFoundError) else None
            if type(name) is str and name and not is_own(name) and self._covering(name) is None:
                # The import system reports the first part of a dotted name that it does not find.
                inside = "." in name and not is_own(name.partition(".")[0])
                self._why[name] = (PACKAGE if inside else MODULE).format(name)
                return True
        return False

    def _covering(self, name: str) -> str | None:
        """The reason why a module is not here, if it is known."""
        return next((why for known, why in self._why.items() if f"{name}.".startswith(f"{known}.")), None)

    def install(self) -> None:
        """Insert this finder after all others, and the finder for doubtful modules before them."""
        sys.meta_path.insert(0, self._careful)
        sys.meta_path.append(self)

    @contextmanager
    def importing(self) -> Iterator[None]:
        """The block in which a submission is imported."""
        for module, name in self._lacking:
            _give(importlib.import_module(module), name)
        with _importing():
            yield

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        known = any(f"{name}.".startswith(f"{fullname}.") or fullname.startswith(f"{name}.") for name in self._why)
        if known or _package(fullname) is not None:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        name = spec.name
        why, package = self._covering(name), _package(name)
        return _StandIn(name, why or (package.__dict__["_why"] if package else PACKAGE.format(name)))

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: a stand-in is empty."""


def _package(name: str) -> _StandIn | None:
    """The stand-in that is the package of the module with this dotted name."""
    package = sys.modules.get(name.rpartition(".")[0])
    return package if isinstance(package, _StandIn) else None


class _CarefulFinder(importlib.abc.MetaPathFinder):
    """Finds installed modules with these names, and packages that hold them, so that a `_CarefulLoader` loads them.

    Nothing is imported before the submission asks for it.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = [f"{name}." for name in names]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not any(name.startswith(f"{fullname}.") for name in self._names):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _CarefulLoader(spec.loader)
        return spec


class _CarefulLoader(importlib.abc.Loader):
    """Loads a module as `loader` does. A stand-in replaces it if it needs a missing module."""

    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)  # get_source, for tracebacks

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        try:
            self._loader.exec_module(module)
        except ModuleNotFoundError as error:
            name = module.__name__
            if error.name is None or f"{name}.".startswith(f"{error.name}."):
                raise
            sys.modules[name] = _StandIn(name, PACKAGE.format(error.name))


@contextmanager
def standing_in(broken: Iterable[str]) -> Iterator[None]:
    """While a module is imported, stand-ins replace modules that fail at their import.

    If `lengths.py` has a syntax error, `from lengths import span` then only costs the answers that use `span`.
    """
    stand_ins = {name: _StandIn(name, BROKEN.format(name)) for name in broken}
    sys.modules.update(stand_ins)
    try:
        with _importing():
            yield
    finally:
        for name in stand_ins:
            sys.modules.pop(name, None)


def excuse(error: BaseException, uses: int, is_own: Callable[[str], bool]) -> str:
    """The reason why a module or a name is not here, if a statement failed because of this; else "".

    Args:
        error: the statement's error.
        uses: the number of uses of stand-ins before it.
        is_own: returns True for the dotted name of a module or package that was handed in.
    """
    if isinstance(error, MemoryError):
        return ""
    if why := used_since(uses):
        return why
    missing = [cause for cause in causes(error) if isinstance(cause, ModuleNotFoundError)]
    if missing and missing[-1].name:
        return MODULE.format(missing[-1].name)
    return next((why for cause in causes(error) if (why := _lacked(cause, is_own))), "")


def _lacked(error: BaseException, is_own: Callable[[str], bool]) -> str:
    """The reason for an error about a name that an installed module lacks; "" for another error.

    A module of another version may have the name: `from collections import Iterable` worked before Python 3.10.
    """
    pattern = LACKING.get(type(error))
    found = pattern.match(str(error)) if pattern else None
    return LACKS.format(found["module"], found["name"]) if found and not is_own(found["module"]) else ""


def uses() -> int:
    """The number of uses of stand-ins so far, failed ones included."""
    return _State.uses


def used_since(uses: int) -> str:
    """The reason why the last used stand-in is one; "" if none was used since there were so many uses."""
    return _State.why if _State.uses > uses else ""


def lost(name: str, why: str) -> Any:
    """A stand-in for a name of the submission whose statement failed."""
    return _Nothing(name, why)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and the errors that were being handled when it was raised."""
    for _ in range(MAX_CAUSES):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


@contextmanager
def _importing() -> Iterator[None]:
    _State.importing = True
    try:
        yield
    finally:
        _State.importing = False


def _give(module: ModuleType, name: str) -> None:
    """Add a stand-in for a missing name to a given module."""
    before = getattr(module, "__getattr__", None)

    def lacking(asked: str) -> Any:
        if asked == name:
            return _Nothing(name, NAME.format(name, module.__name__))
        if before is not None:
            return before(asked)
        raise AttributeError(f"module {module.__name__!r} has no attribute {asked!r}")

    module.__getattr__ = lacking  # type: ignore[method-assign]


class _StandIn(ModuleType):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(name)
        self.__dict__.update(_why=why, __path__=[])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        found = _Nothing(f"{self.__name__}.{name}", self.__dict__["_why"])._count()
        return "0" if name == "__version__" else found


class _Nothing:
    """An attribute of a stand-in."""

    def __init__(self, name: str, why: str) -> None:
        self._name, self._why = name, why

    def __getattr__(self, name: str) -> _Nothing:
        if name.startswith("__"):
            raise AttributeError(name)
        self._count()
        return _Nothing(f"{self._name}.{name}", self._why)

    def __repr__(self) -> str:
        return f"<a stand-in for {self._name}, which is not here>"

    def __setitem__(self, key: Any, value: Any) -> None:
        """Ignore a setting: `plt.rcParams["figure.figsize"] = (10, 8)`."""

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        """Allow a class with this base. Making an instance of it raises."""
        if not _State.importing:
            self._use()
        return (type("StandIn", (), {"__new__": lambda cls, *values, **named: self._use()}),)

    def __call__(self, *values: Any, **named: Any) -> Any:
        if self._name.startswith(HARMLESS):
            print(f"{self._name} does nothing here: this is not Colab")
            return None
        return self._more()

    def __exit__(self, *_: object) -> None:
        self._more()

    def __iter__(self) -> Iterator[Any]:
        self._more()
        return iter(())

    def __len__(self) -> int:
        self._more()
        return 0

    def __bool__(self) -> bool:
        self._more()
        return False

    def __instancecheck__(self, value: object) -> bool:
        return False

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, values: Any = (), named: Any = None) -> Any:
        """Take the place of a torch function's result that would have been made from a stand-in."""
        every = [*values, *(named or {}).values()]
        flat = [item for value in every for item in (value if isinstance(value, (list, tuple)) else (value,))]
        found = next((item for item in flat if isinstance(item, _Nothing)), None)
        return (found if found is not None else _Nothing("a stand-in", _State.why))._more()

    def _more(self, *_: Any, **__: Any) -> Any:
        return self._count() if _State.importing else self._use()

    def _use(self, *_: Any) -> NoReturn:
        self._count()
        if isinstance(self._why, Raised):
            raise NameError(f"{self._name} has no value: {self._why}")
        raise ModuleNotFoundError(f"{self._why}: {self._name} was used", name=self._name.partition(".")[0])

    def _count(self) -> _Nothing:
        _State.uses, _State.why = _State.uses + 1, self._why
        return self


# Operators that give further stand-ins during imports, and conversions that always fail: their result must be a number.
OPERATORS = (
    *("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "divmod", "pow"),
    *("lshift", "rshift", "and", "or", "xor"),
)
OTHERS = ("lt", "le", "gt", "ge", "neg", "pos", "abs", "invert", "round", "getitem", "enter")
for _each in (*OPERATORS, *(f"r{each}" for each in OPERATORS), *OTHERS):
    setattr(_Nothing, f"__{_each}__", lambda self, *_: self._more())
for _each in ("int", "float", "complex", "index"):
    setattr(_Nothing, f"__{_each}__", _Nothing._use)
