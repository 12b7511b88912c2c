"""Makes the given library and the reference importable, as they are beside each other in a handout."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

SOLUTIONS = Path(__file__).parents[2] / "solutions"
sys.path.insert(0, str(SOLUTIONS))


@pytest.fixture(scope="session")
def a6() -> ModuleType:
    """The reference of assignment 6."""
    return _imported("a6_convolutional_networks", "convolutional_networks")


@pytest.fixture(scope="session")
def a7() -> ModuleType:
    """The reference of assignment 7."""
    return _imported("a7_pytorch_autograd_and_nn", "pytorch_autograd_and_nn")


@pytest.fixture(scope="session")
def a8() -> SimpleNamespace:
    """The reference of assignment 8: what its three modules hold, together."""
    names = ("upsampling", "transposed_convolution", "fully_convolutional_network")
    modules = [_imported("a8_semantic_segmentation", name) for name in names]
    return SimpleNamespace(**{name: getattr(module, name) for module in modules for name in module.__all__})


@pytest.fixture(scope="session")
def a9() -> Callable[[str], ModuleType]:
    """The reference's files of assignment 9, by name. Two import a third, which is not importable afterwards."""
    folder = "a9_object_detection"
    boxes = _imported(folder, "boxes")

    def file(name: str) -> ModuleType:
        sys.modules["boxes"] = boxes
        try:
            return boxes if name == "boxes" else _imported(folder, name)
        finally:
            del sys.modules["boxes"]

    return file


def _imported(assignment: str, name: str) -> ModuleType:
    """A reference, under a name that no other module has."""
    path = SOLUTIONS / assignment / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{assignment}_{name}_reference", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _same_numbers():
    """Every test starts from the same random numbers, and computes with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(135)
    yield
    torch.set_num_threads(threads)
