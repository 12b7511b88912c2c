"""Makes the given library and the reference importable, as they are beside each other in a handout."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

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


def _imported(assignment: str, name: str) -> ModuleType:
    """A reference, under a name that no other module has."""
    path = SOLUTIONS / assignment / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{assignment}_reference", path)
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
