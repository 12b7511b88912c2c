"""Makes the hidden suites' loops, the given library and the references importable."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "solutions"))


@pytest.fixture(autouse=True)
def _same_numbers():
    """Every test starts from the same random numbers, and computes with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(135)
    yield
    torch.set_num_threads(threads)
