"""Rounds scores and shares, and writes them as text: half up, by the decimal digits that a person reads.

A float stands for its shortest decimal form. 2.675 is half of a hundredth above 2.67, although the binary number lies
a little below it.
"""

from __future__ import annotations

import math
from fractions import Fraction

__all__ = ["exact", "fixed", "half_up", "hundredths", "number"]


def exact(value: float | Fraction) -> Fraction:
    """The decimal number that a float stands for. Raises ValueError for an infinite value or NaN.

    >>> exact(2.675)
    Fraction(107, 40)
    """
    return value if isinstance(value, Fraction) else Fraction(str(float(value)))


def half_up(value: Fraction) -> int:
    """The nearest whole number; a half goes up.

    >>> half_up(Fraction(5, 2)), half_up(Fraction(-5, 2))
    (3, -2)
    """
    return math.floor(value + Fraction(1, 2))


def hundredths(points: float | Fraction) -> int:
    """Points as whole hundredths.

    >>> hundredths(7.5), hundredths(0.125), hundredths(1.005)
    (750, 13, 101)
    """
    return half_up(exact(points) * 100)


def fixed(value: float | Fraction, decimals: int = 2) -> str:
    """A number with so many decimals. An infinite value or NaN is written as a word.

    >>> fixed(2.675), fixed(2.5, 0), fixed(87, 1)
    ('2.68', '3', '87.0')
    """
    if not math.isfinite(value):
        return str(float(value))
    whole = half_up(exact(value) * 10**decimals)
    digits = str(abs(whole)).rjust(decimals + 1, "0")
    place = len(digits) - decimals
    return f"{'-' if whole < 0 else ''}{digits[:place]}{'.' if decimals else ''}{digits[place:]}"


def number(value: float | Fraction, decimals: int = 2) -> str:
    """A number with at most so many decimals, without zeros at the end.

    >>> number(12.0), number(7.5), number(10 / 3)
    ('12', '7.5', '3.33')
    """
    text = fixed(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text
