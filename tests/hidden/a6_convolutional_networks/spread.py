"""Judges drawn weights by statistics wide enough never to fail a right draw: six standard errors."""

from __future__ import annotations

from typing import Any

import torch

from autograder.checks import CheckFailed, plain_tensor

__all__ = ["assert_all", "assert_bell_shaped", "assert_spread"]

STANDARD_ERRORS = 6.0


def assert_spread(value: Any, std: float, what: str) -> None:
    """Fail unless mean and standard deviation fit 0 and `std`, or are as near as chance leaves them."""
    weights = plain_tensor(value, what).to(torch.float64)
    count = max(weights.numel(), 2)
    measured = float(weights.std())
    if not abs(measured / std - 1.0) <= STANDARD_ERRORS / (2 * count) ** 0.5:
        message = f"the standard deviation of {what} is {measured / std:.3g} times what is asked for"
        hint = "look at the gain, and at what counts as fan-in" if 0 < measured < std * 100 else ""
        raise CheckFailed(message, hint, value=weights)
    if not abs(float(weights.mean())) <= STANDARD_ERRORS * std / count**0.5:
        raise CheckFailed(f"the mean of {what} is not 0", value=weights)


def assert_bell_shaped(value: Any, what: str) -> None:
    """Fail unless about 4.55 % lie more than two standard deviations out, as for a normal distribution."""
    weights = plain_tensor(value, what).to(torch.float64)
    share = float(((weights - weights.mean()).abs() > 2 * weights.std()).to(torch.float64).mean())
    if not abs(share - 0.0455) <= STANDARD_ERRORS * (0.0455 * 0.9545 / max(weights.numel(), 1)) ** 0.5:
        message = f"{share:.1%} of {what} lie beyond two standard deviations; of a normal distribution, 4.6 % do"
        raise CheckFailed(message, "draw from a normal distribution", value=weights)


def assert_all(value: Any, constant: float, what: str) -> None:
    """Fail unless every element is this constant."""
    if bool((plain_tensor(value, what) != constant).any()):
        raise CheckFailed(f"{what} does not start at {constant:g}", value=value)
