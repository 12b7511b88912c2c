"""Judges drawn weights by statistics wide enough never to fail a right draw: six standard errors, one in 10^8."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from autograder.checks import CheckFailed

__all__ = ["assert_all", "assert_bell_shaped", "assert_fresh", "assert_spread"]

STANDARD_ERRORS = 6.0
BEYOND_TWO = 0.0455  # the share of a normal distribution that lies more than two standard deviations out


def assert_spread(weights: torch.Tensor, std: float, what: str) -> None:
    """Fail unless mean and standard deviation fit 0 and `std`, or are as near as chance leaves them."""
    values = weights.to(torch.float64)
    count = max(values.numel(), 2)
    measured = float(values.std())
    if not abs(measured / std - 1.0) <= STANDARD_ERRORS / (2 * count) ** 0.5:
        message = f"the standard deviation of {what} is {measured / std:.3g} times what is asked for"
        hint = "look at the gain, and at what counts as fan_in: inputs of one output"
        raise CheckFailed(message, hint, value=values)
    if not abs(float(values.mean())) <= STANDARD_ERRORS * std / count**0.5:
        raise CheckFailed(f"the mean of {what} is not 0", value=values)


def assert_bell_shaped(weights: torch.Tensor, what: str) -> None:
    """Fail unless about 4.55 % lie more than two standard deviations out, as for a normal distribution."""
    values = weights.to(torch.float64)
    share = float(((values - values.mean()).abs() > 2 * values.std()).to(torch.float64).mean())
    error = (BEYOND_TWO * (1 - BEYOND_TWO) / max(values.numel(), 1)) ** 0.5
    if not abs(share - BEYOND_TWO) <= STANDARD_ERRORS * error:
        message = (
            f"{share * 100:.1f} % of {what} lie beyond two standard deviations; of a normal distribution, 4.6 % do"
        )
        raise CheckFailed(message, "draw from a normal distribution", value=values)


def assert_fresh(first: Sequence[torch.Tensor], second: Sequence[torch.Tensor], what: str) -> None:
    """Fail if two draws share values, or one draw repeats its own."""
    for one, other in zip(first, second, strict=True):
        if one.shape == other.shape and bool((one == other).any()):
            message = f"two calls give the same values to {what}"
            hint = "leave the random seed to whoever calls, and draw anew in each call"
            raise CheckFailed(message, hint, value=one)
        if len(one.unique()) < 0.9 * one.numel():
            raise CheckFailed(f"many values of {what} are equal to one another", "draw each of them", value=one)


def assert_all(values: torch.Tensor, constant: float, what: str) -> None:
    """Fail unless every element is this constant."""
    if bool((values != constant).any()):
        raise CheckFailed(f"{what} does not start at {constant:g}", value=values)
