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
        self._doubtful = [name.removeprefix(DOUBTFUL) for name in names if name.startswith(DOUBTFUL)]
        names = [name for name in names if not name.startswith(DOUBTFUL)]
        self._why = {name: PACKAGE.format(name) for name in names if not name.startswith(OWN) and ":" not in name}
        own = [name.removeprefix(OWN) for name in names if name.startswith(OWN)]
        self._why |= {name: MODULE.format(name) for name in own}
        self._lacking = [name.split(":") for name in names if ":" in name]
        self._why |= {f"{module}.{name}": NAME.format(name, module) for module, name in self._lacking}

    def install(self) -> None:
        """Insert this finder after all others."""
        if self._why:
            sys.meta_path.append(self)

    @contextmanager
    def importing(self) -> Iterator[None]:
        """The block in which a submission is imported."""
        for module, name in self._lacking:
            _give(importlib.import_module(module), name)
        for name in self._doubtful:
            _stand_in_if_broken(name)
        with _importing():
            yield

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        known = any(f"{name}.".startswith(f"{fullname}.") or fullname.startswith(f"{name}.") for name in self._why)
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True) if known else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        name = spec.name
        why = next((why for known, why in self._why.items() if f"{name}.".startswith(f"{known}.")), "")
        return _StandIn(name, why or PACKAGE.format(name))

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: a stand-in is empty."""


def _stand_in_if_broken(name: str) -> None:
    """Replace an installed module by a stand-in if it needs a missing one."""
    parent, _, last = name.rpartition(".")
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or f"{name}.".startswith(f"{error.name}."):
            return  # the module itself is missing
        stand_in = sys.modules[name] = _StandIn(name, PACKAGE.format(error.name))
        setattr(sys.modules[parent], last, stand_in)
    except Exception:
        return  # the submission's own import will raise the error


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
        self.__dict__["_why"] = why

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
