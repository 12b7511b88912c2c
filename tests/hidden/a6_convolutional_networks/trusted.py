"""A DeepConvNet's parameters in a network that is right, since what a student's own `loss` says earns nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import oracles
import torch
from images import CLASSES
from networks import DeepNet, match_names, parameters

from autograder.checks import CheckFailed, Proxy, fetch, plain_tensor, scores_of, unpack_all

__all__ = ["IMAGE", "Network", "of_file", "of_model"]

IMAGE = (3, 32, 32)
MAX_ELEMENTS = 20_000_000
# Multiplications for all images together: some seconds of one core.
MAX_WORK = 1.5e11
FEWEST = 200


@dataclass(frozen=True)
class Network:
    """Parameters under our names, running statistics per convolution, and what they do not say.

    Attributes:
        statistics: (mean, variance) of each convolution, both (F,); empty without batch normalization.
    """

    net: DeepNet
    values: dict[str, torch.Tensor]
    statistics: tuple[tuple[torch.Tensor, torch.Tensor], ...]

    def scores(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 3, 32, 32) -> (N, 10), in evaluation mode. Raises CheckFailed where some are not finite."""
        return scores_of(self._call, images, CLASSES)

    def affordable(self, images: int) -> int:
        """How many of so many images it can be asked for; a huge network is judged by fewer. Raises CheckFailed."""
        count = min(images, int(MAX_WORK / self._work))
        if count < min(FEWEST, images):
            raise CheckFailed("the network is too large to be judged", "fewer filters, or pools earlier on")
        return count

    @property
    def _work(self) -> float:
        """Multiplications for one image."""
        total, size = 0.0, IMAGE[1] * IMAGE[2]
        for layer in range(len(self.net.num_filters)):
            total += prod(self.values[f"W{layer}"].shape) * size
            size //= 4 if layer in self.net.max_pools else 1
        return total + prod(self.values[f"W{len(self.net.num_filters)}"].shape)

    def _call(self, images: torch.Tensor) -> torch.Tensor:
        return oracles.deep_scores(self.values, images, self.net.wiring, self.statistics)


def of_model(model: Proxy) -> Network:
    """A live model's."""
    batchnorm = fetch(model.batchnorm)
    pools = fetch(model.max_pools)
    return _network(
        parameters(model), pools, batchnorm is True, fetch(model.bn_params) if batchnorm is True else [], "the network"
    )


def of_file(saved: Mapping[str, Any], name: str) -> Network:
    """What `DeepConvNet.save` wrote. Raises CheckFailed where parameters and settings do not make up a network."""
    params = {key: plain_tensor(value, f"a parameter in {name}") for key, value in saved["params"].items()}
    return _network(
        params, saved.get("max_pools"), saved.get("batchnorm") is True, saved.get("bn_params"), f"the network in {name}"
    )


def _network(params: dict[str, torch.Tensor], pools: Any, batchnorm: bool, running: Any, what: str) -> Network:
    layers = unpack_all(pools)
    if layers is None or not all(type(layer) is int for layer in layers):
        raise CheckFailed(f"{what} does not say which convolutions a pool follows", "max_pools: whole numbers, from 0")
    if sum(value.numel() for value in params.values()) > MAX_ELEMENTS:
        raise CheckFailed(f"{what} has more than {MAX_ELEMENTS} parameters")
    if not all(bool(value.isfinite().all()) for value in params.values()):
        raise CheckFailed(f"{what} has NaN or infinite parameters", "did the training diverge?")
    filters = tuple(len(value) for value in params.values() if value.dim() == 4)
    net = DeepNet("trained", IMAGE, filters, tuple(layers), batchnorm, CLASSES)
    names = match_names(params, net)
    values = {ours: params[theirs].detach().cpu().to(torch.float32) for ours, theirs in names.items()}
    return Network(net, values, _statistics(running, net, what) if batchnorm else ())


def _statistics(running: Any, net: DeepNet, what: str) -> tuple[tuple[torch.Tensor, torch.Tensor], ...]:
    found = []
    entries = running if type(running) in (list, tuple) else []
    if len(entries) != len(net.num_filters) or not all(type(entry) is dict for entry in entries):
        raise CheckFailed(f"{what} has no bn_params of its {len(net.num_filters)} convolutions")
    for entry, filters in zip(entries, net.num_filters, strict=True):
        pair = [entry.get(name, torch.full((filters,), start)) for name, start in STATISTICS]
        for value in pair:
            if plain_tensor(value, "a running statistic").numel() != filters or not bool(value.isfinite().all()):
                raise CheckFailed(f"{what} has running statistics that do not fit its convolutions")
        mean, variance = (value.detach().cpu().to(torch.float32).reshape(filters) for value in pair)
        found.append((mean, variance.clamp(min=0)))
    return tuple(found)


# And what they are where nothing was trained on yet.
STATISTICS = (("running_mean", 0.0), ("running_var", 1.0))
