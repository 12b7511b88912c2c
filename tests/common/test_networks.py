"""The reference's networks: saved and loaded they are the same, and their doctests run."""

from __future__ import annotations

import doctest
import importlib
import pickle

import pytest
import torch


def test_examples_in_the_reference(a6):
    results = doctest.testmod(a6)
    assert results.failed == 0
    assert results.attempted > 20


@pytest.mark.parametrize("name", ["helpers", "grad", "shapes"])
def test_examples_in_the_library(name):
    results = doctest.testmod(importlib.import_module(f"common.{name}"))
    assert results.failed == 0
    assert results.attempted > 0


def test_three_layer_network_saved_and_loaded(a6, tmp_path):
    X = torch.randn(2, 3, 8, 6)
    settings = {"input_dims": (3, 8, 6), "num_filters": 3, "filter_size": 3, "hidden_dim": 4}
    net = a6.ThreeLayerConvNet(**settings, weight_scale=0.1, reg=0.25)
    net.save(tmp_path / "net.pt")
    other = a6.ThreeLayerConvNet(**settings)
    other.load(tmp_path / "net.pt")
    assert other.reg == 0.25
    assert torch.equal(other.loss(X), net.loss(X))


def test_deep_network_saved_and_loaded_with_its_running_statistics(a6, tmp_path):
    X, y = torch.randn(5, 3, 8, 6), torch.tensor([0, 1, 2, 3, 4])
    net = a6.DeepConvNet((3, 8, 6), num_filters=[4, 5], max_pools=[1], batchnorm=True, weight_scale="kaiming", reg=0.1)
    net.loss(X, y)
    net.save(tmp_path / "net.pt")
    other = a6.DeepConvNet((3, 8, 6), num_filters=[2])
    other.load(tmp_path / "net.pt")
    assert torch.equal(other.loss(X), net.loss(X))
    other.load(tmp_path / "net.pt", dtype=torch.float64)
    assert other.loss(X).dtype == torch.float64
    torch.testing.assert_close(other.loss(X).float(), net.loss(X))


def test_loading_runs_no_code(a6, tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"params": Trap()}, tmp_path / "net.pt")
    for net in (a6.ThreeLayerConvNet(input_dims=(1, 4, 4)), a6.DeepConvNet()):
        with pytest.raises(pickle.UnpicklingError):
            net.load(tmp_path / "net.pt")
    assert not (tmp_path / "sprung").exists()
