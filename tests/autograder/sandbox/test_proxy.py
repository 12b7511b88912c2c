"""A proxy holds no value: whatever asks for one is told to fetch it, and does not wait or guess."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest

from autograder.sandbox.proxy import Proxy


class Silent:
    """A channel that nobody may use here."""

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        raise AssertionError("a request was made")


ASKS: dict[str, Callable[[Any], object]] = {
    "iteration": list,
    "unpacking": lambda proxy: (lambda a, b: a)(*proxy),
    "truth": bool,
    "not": operator.not_,
    "equality": lambda proxy: proxy == 1,
    "equality from the other side": lambda proxy: 1 == proxy,  # noqa: SIM300
    "inequality": lambda proxy: proxy != proxy.other,
    "order": lambda proxy: proxy < 1,
    "length": len,
    "in": lambda proxy: 1 in proxy,
    "among others": lambda proxy: proxy.x in [proxy.y],
    "int": int,
    "float": float,
    "index": lambda proxy: [1, 2][proxy],
    "round": round,
    "formatting": lambda proxy: f"{proxy:.3f}",
    "sum": lambda proxy: sum([proxy]),
    "arithmetic": lambda proxy: proxy - 1,
    "reversed": reversed,
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_what_asks_for_the_value_is_told_to_fetch_it(ask: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match="fetch it first"):
        ask(Proxy(Silent()))


def test_a_proxy_can_be_shown_and_kept() -> None:
    proxy = Proxy(Silent())
    assert f"{proxy}" == repr(proxy) == str(proxy)
    assert {proxy: 1}[proxy] == 1
    assert proxy in {proxy}
