"""Stand-ins: empty modules in place of missing ones. Importing one succeeds; using it raises an error that explains.

So a missing module only costs the answers that use it. While a submission is imported, operations on a stand-in give
further stand-ins: `transform = T.Compose([T.ToTensor()])` only costs the answers that use `transform`.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NoReturn

__all__ = ["OWN", "StandInFinder", "standing_in"]

OWN = "./"  # before the name of a module that only the student can have
DOUBTFUL = "?"  # before the name of an installed module that may need a missing one
# Modules whose functions only matter on Colab: calling them does nothing.
HARMLESS = "google.colab."
PACKAGE = "{} is not available in grading"
MODULE = "{} was not handed in, and no package of that name is available in grading"
NAME = "{} is not in the course's {}"
BROKEN = "{} could not be imported"


class _State:
    importing = False


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

    def install(self) -> None:
        """Insert this finder after all others, and the one for doubtful modules before them."""
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
        why = next((why for known, why in self._why.items() if f"{name}.".startswith(f"{known}.")), "")
        package = _package(name)
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
        if name == "__version__":
            return "0"
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing(f"{self.__name__}.{name}", self.__dict__["_why"])


class _Nothing:
    """An attribute of a stand-in."""

    def __init__(self, name: str, why: str) -> None:
        self._name, self._why = name, why

    def __getattr__(self, name: str) -> _Nothing:
        if name.startswith("__"):
            raise AttributeError(name)
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

    def __getitem__(self, key: Any) -> Any:
        return self._more()

    def __enter__(self) -> Any:
        return self._more()

    def __exit__(self, *_: object) -> None:
        self._more()

    def __or__(self, other: Any) -> Any:
        return self._more()

    __ror__ = __or__

    def __iter__(self) -> Iterator[Any]:
        self._use()

    def __len__(self) -> int:
        self._use()

    def __bool__(self) -> bool:
        self._use()

    def _more(self) -> Any:
        return self if _State.importing else self._use()

    def _use(self) -> NoReturn:
        raise ModuleNotFoundError(f"{self._why}: {self._name} was used", name=self._name.partition(".")[0])
