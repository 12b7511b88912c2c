"""An optimizer's settings, found by what it does to chosen weights for chosen gradients; nothing that it says counts.

Weights are set anew before each step, so that they and the past of the gradients are told apart. All is in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from autograder.checks import CheckFailed, Draw, Proxy, modules

__all__ = ["ADAM", "SGD", "Tried", "away_from_zero"]

CLOSE = 1e-6  # relative
DECAY = 1e-4
SMALL = 1e-4  # a gradient that no clipping that students use would touch
LARGE = 1e4  # times that: beside it, no eps that anybody uses counts


class Tried:
    """An optimizer under trial.

    Args:
        make: returns a new model and its optimizer.
        x: images, for the model's order of use.
    """

    def __init__(self, rng: Draw, make: Callable[[], tuple[Proxy, Any]], x: torch.Tensor) -> None:
        self._make, self._x = make, x
        self._slots = modules.read(make()[0], x).slots
        shapes = [slot.shape for slot in self._slots if not slot.buffer]
        self._gradients = [away_from_zero(rng, shape) * SMALL for shape in shapes]
        self._factors = [1 + 0.1 * away_from_zero(rng, shape) for shape in shapes]
        # Decay at these weights is as large as the gradients, a little less here and a little more there.
        self._weights = [-g * k / DECAY for g, k in zip(self._gradients, self._factors, strict=True)]

    @property
    def gradient(self) -> torch.Tensor:
        """All gradients in a row."""
        return _row(self._gradients)

    @property
    def weights(self) -> torch.Tensor:
        """All weights in a row."""
        return _row(self._weights)

    def moves(self, *steps: tuple[float, float]) -> list[torch.Tensor]:
        """What a new optimizer adds to the parameters it moves, in a row, at each of some steps.

        Args:
            steps: how many times the weights, and how many times the gradients there are.

        Raises:
            CheckFailed: it moves none of the model's parameters.
        """
        model, optimizer = self._make()
        if not isinstance(optimizer, Proxy):
            raise CheckFailed("what should be an optimizer is plain data")
        return [self._step(model, optimizer, *step) for step in steps]

    def moved(self) -> torch.Tensor:
        """Which elements a first step moves. Raises CheckFailed where it is none of them."""
        (found,) = self.moves((0.0, 1.0))
        if not bool(found.any()):
            raise CheckFailed(
                "the optimizer moves none of the model's parameters",
                "pass it model.parameters() of the model that you return",
            )
        return found != 0

    def _step(self, model: Proxy, optimizer: Proxy, weight: float, gradient: float) -> torch.Tensor:
        start = [weight * value for value in self._weights]
        given = [gradient * value for value in self._gradients]
        buffers = [torch.zeros(slot.shape) for slot in self._slots if slot.buffer]
        (after,) = modules.step(model, optimizer, modules.Weights(self._slots, (*start, *buffers)), [given], self._x)
        return _row([end - begin for end, begin in zip(after, start, strict=True)])


def away_from_zero(rng: Draw, shape: Sequence[int]) -> torch.Tensor:
    """Of either sign, and between 0.5 and 1."""
    return rng.uniform(*shape, low=0.5, high=1.0) * torch.where(rng.normal(*shape) < 0, -1.0, 1.0)


def _row(values: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.cat([value.to(torch.float64).flatten() for value in values])


def _factor(found: torch.Tensor, of: torch.Tensor) -> float | None:
    """c where `found` is c times `of`, element by element; None where it is not."""
    factor = float((found @ of) / (of @ of))
    near = CLOSE * float(found.abs().max()) + 1e-15
    return factor if bool(((found - factor * of).abs() <= near).all()) else None


def _is(found: float | None, wanted: float) -> bool:
    return found is not None and abs(found - wanted) <= 1e-4 * abs(wanted)


class _Response:
    """What SGD makes of one gradient: how many times it the first steps are, with no gradient after the first."""

    def __init__(self, tried: Tried) -> None:
        self.there = tried.moved()
        self.gradient = tried.gradient[self.there]
        moves = tried.moves((0.0, 1.0), (0.0, 0.0), (0.0, 0.0))
        factors = [_factor(move[self.there], self.gradient) for move in moves]
        if any(factor is None for factor in factors):
            message = "a step is not proportional to the gradient, as it is in SGD"
            raise CheckFailed(message, "is it torch.optim.SGD?", value=torch.cat(moves))
        self.first, self.second, self.third = (float(factor or 0.0) for factor in factors)
        self.momentum = self.third / self.second if self.second else 0.0

    @property
    def factors(self) -> torch.Tensor:
        return torch.tensor([self.first, self.second, self.third], dtype=torch.float64)

    @property
    def plain(self) -> bool:
        """Whether momentum is not Nesterov's: that takes a step of the coming gradient too."""
        return abs(self.second - self.momentum * self.first) <= 1e-4 * abs(self.first)

    @property
    def rate(self) -> float:
        return abs(self.first) / (1.0 if self.plain else 1 + self.momentum)


def sgd_rate(tried: Tried) -> None:
    response = _Response(tried)
    if not _is(response.rate, 1e-2):
        raise CheckFailed("the optimizer's lr is not 0.01", value=response.factors)


def sgd_momentum(tried: Tried) -> None:
    response = _Response(tried)
    if not _is(response.momentum, 0.5):
        raise CheckFailed("the optimizer's momentum is not 0.5", value=response.factors)


def sgd_decay(tried: Tried) -> None:
    """Without a gradient, a step is that for the gradient weight_decay * w."""
    response = _Response(tried)
    (move,) = tried.moves((1.0, 0.0))
    if not _is(_factor(move[response.there], response.first * tried.weights[response.there]), DECAY):
        raise CheckFailed("the optimizer's weight_decay is not 0.0001", "for all parameters alike", value=move)


def sgd_rest(tried: Tried) -> None:
    response = _Response(tried)
    if response.first > 0:
        raise CheckFailed("the optimizer goes up the gradient", "maximize is False", value=response.factors)
    if not response.plain:
        raise CheckFailed("the optimizer's momentum is Nesterov's", "nesterov is False", value=response.factors)
    late = tried.moves((0.0, 0.0), (0.0, 1.0))[1]
    if not _is(_factor(late[response.there], response.gradient), response.first):
        message = "the optimizer takes less of a later gradient than of the first"
        raise CheckFailed(message, "dampening is 0", value=late)


def adam_rate(tried: Tried) -> None:
    """A first step is as long as the rate, whatever the gradient's size."""
    there = tried.moved()
    (move,) = tried.moves((0.0, LARGE))
    if bool(((move[there].abs() - 1e-3).abs() > 1e-5).any()):
        raise CheckFailed("the optimizer's lr is not 0.001", "is it torch.optim.Adam?", value=move)


def adam_decay(tried: Tried) -> None:
    """A first step goes against the sign of gradient + weight_decay * w: where the two nearly cancel, that tells."""
    there = tried.moved()
    (move,) = tried.moves((1.0, 1.0))
    wanted = -(tried.gradient + DECAY * tried.weights).sign()
    if bool((move.sign() != wanted)[there].any()):
        hint = "it belongs to the gradient, as Adam has it, not to the weights, as AdamW"
        raise CheckFailed("the optimizer's weight_decay is not 0.0001", hint, value=move)


def adam_rest(tried: Tried) -> None:
    """Steps for gradients of many sizes, in units of a first one's length: what betas, eps and amsgrad make of them."""
    there = tried.moved()
    sizes = (1.0, 0.0, -0.5, 1e-3, 1e-5)
    moves = tried.moves(*((0.0, size) for size in sizes))
    unit = float(tried.moves((0.0, LARGE))[0][there].abs().mean())
    wanted = _adam([size * tried.gradient[there] for size in sizes])
    for found, right in zip(moves, wanted, strict=True):
        if bool(((found[there] / unit - right).abs() > 1e-6).any()):
            hint = "betas (0.9, 0.999), eps 1e-8, amsgrad and maximize False"
            raise CheckFailed("the optimizer's other settings are not torch's own", hint, value=torch.cat(moves))
    (tiny,) = tried.moves((0.0, 1e-5))
    if bool(((tiny[there] / unit - _adam([1e-5 * tried.gradient[there]])[0]).abs() > 1e-6).any()):
        raise CheckFailed("the optimizer's eps is not 1e-8", value=tiny)


def _adam(gradients: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Adam's steps for a rate of 1 (Kingma and Ba, 2015, algorithm 1), with no weights to decay."""
    mean, square, steps = torch.zeros_like(gradients[0]), torch.zeros_like(gradients[0]), []
    for count, gradient in enumerate(gradients, start=1):
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        steps.append(-(mean / (1 - 0.9**count)) / ((square / (1 - 0.999**count)).sqrt() + 1e-8))
    return steps


SGD = {"lr": sgd_rate, "momentum": sgd_momentum, "weight-decay": sgd_decay, "the-rest-as-torch-has-it": sgd_rest}
ADAM = {"lr": adam_rate, "weight-decay": adam_decay, "the-rest-as-torch-has-it": adam_rest}
