"""Plans: written down outside, carried out inside, and looked at in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from autograder.errors import GraderError, StudentError
from autograder.sandbox.channel import wire
from autograder.sandbox.channel.refs import Ref
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.plan import Renamed, record
from autograder.sandbox.proxy import Proxy
from tests.autograder.checks.fake_sides import module

WEIGHTS, PLACES = torch.linspace(0.5, 1.5, 4, dtype=torch.float64), np.array([0, 7, 1 << 61])


class Twice:
    factor = 2

    def __call__(self, x: torch.Tensor) -> dict[str, Any]:
        return {"out": (self.factor * x,), "name": "twice"}


@pytest.fixture
def channel() -> LocalChannel:
    return LocalChannel(module(Twice=Twice, pair=lambda x, y: (x + y, x - y), triple=lambda x: 3 * x))


def run(channel: LocalChannel, function: Any, made: Any, *calls: tuple[Any, ...]) -> Any:
    plan = record(function, made, len(calls[0]))
    sent = wire.decode(b"".join(wire.encode(plan.content)))  # as it crosses
    laid = channel.request("lay", {"values": [list(call) for call in calls], "device": "cpu"})
    chosen = [[0, number] for number in range(plan.inputs)]
    where = {"inputs": [laid], "chosen": chosen, "calls": [0, len(calls)], "device": "cpu"}
    return channel.request("run", {"plan": sent, **where})["results"]


def digest(channel: LocalChannel, results: Ref) -> Any:
    return channel.request("digest", {"targets": [results], "weights": WEIGHTS, "places": PLACES})


def test_calls_items_attributes_and_methods(channel: LocalChannel) -> None:
    def function(who: Any, x: Any, y: Any) -> Any:
        total = who.pair(x, y)[0]
        return total.square().sum(), [who.triple(total), {"n": 1}]

    x, y = torch.arange(6.0), torch.ones(6)
    ((scalar, tensor, number),) = digest(channel, run(channel, function, Proxy(channel), (x, y)))
    assert scalar["elements"][0] == (x + y).square().sum()
    assert (tensor["shape"], tensor["dtype"]) == ((6,), torch.float32)
    expected = 3 * (x + y)
    assert tensor["elements"].tolist() == expected.double()[[0, 1, (1 << 61) % 6]].tolist()
    assert tensor["sums"].tolist() == pytest.approx(
        [float((expected[:4] * WEIGHTS).sum()), float((expected[4:] * WEIGHTS[:2]).sum())]
    )
    assert number["shape"] == ()


def test_objects_that_setup_made(channel: LocalChannel) -> None:
    twice = Proxy(channel).Twice()
    ((output,),) = digest(channel, run(channel, lambda made, x: made[0](x).get("out")[0], (twice,), (torch.ones(3),)))
    assert output["elements"].tolist() == [2.0, 2.0, 2.0]


def test_each_call_has_inputs_of_its_own_and_constants_are_copied(channel: LocalChannel) -> None:
    constant = torch.full((2,), 10.0)
    results = run(channel, lambda who, x: who.pair(x, constant)[0], Proxy(channel), (torch.ones(2),), (torch.zeros(2),))
    first, second = digest(channel, results)
    assert first[0]["elements"][0] == 11.0
    assert second[0]["elements"][0] == 10.0


def test_what_a_plan_mentions() -> None:
    plan = record(lambda who, x, y, z: who.f(x, [z]), Proxy(LocalChannel(module())), 3)
    assert plan.mentioned == {0, 2}


def test_only_calls_are_written_down(channel: LocalChannel) -> None:
    from autograder.sandbox.proxy import assign

    with pytest.raises((GraderError, TypeError), match=r"only calls can be timed|another side"):
        record(lambda who, x: assign(who.Twice, "factor", 3), Proxy(channel), 1)
    with pytest.raises(TypeError):
        record(lambda who, x: x + 1, Proxy(channel), 1)


def test_what_the_code_raises_is_told(channel: LocalChannel) -> None:
    with pytest.raises(StudentError) as caught:
        run(channel, lambda who, x: who.pair(x, torch.ones(3)), Proxy(channel), (torch.ones(2),))
    assert caught.value.kind == "RuntimeError"


def test_a_name_for_another(channel: LocalChannel) -> None:
    who = Proxy(Renamed(channel, ["slow", "f"], ["triple"]))
    assert torch.equal(who.slow.f(torch.ones(2)), torch.full((2,), 3.0))
    assert who.triple(torch.ones(1)).item() == 3.0


@pytest.mark.parametrize(
    "value, kind", [(None, "NoneType"), ("text", "str"), (torch.ones(2).to_sparse(), "Tensor"), (object(), "object")]
)
def test_odd_outputs_are_named_or_refused(value: Any, kind: str) -> None:
    channel = LocalChannel(module(odd=lambda x: value))
    results = run(channel, lambda who, x: who.odd(x), Proxy(channel), (torch.ones(1),))
    if kind == "Tensor":
        with pytest.raises(StudentError):
            digest(channel, results)
    else:
        assert digest(channel, results) == [[{"kind": kind}]]


class Pair:
    """A sequence that is none of Python's."""

    def __init__(self, *items: torch.Tensor) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, place: int) -> torch.Tensor:
        return self._items[place]


def in_an_array(*items: torch.Tensor) -> np.ndarray[Any, Any]:
    made = np.empty(len(items), dtype=object)
    for place, item in enumerate(items):
        made[place] = item
    return made


@pytest.mark.parametrize(
    "kind",
    [Pair, in_an_array, lambda *items: dict(enumerate(items)).values(), lambda *items: map(torch.clone, items)],
    ids=["sequence", "array", "values", "map"],
)
def test_every_container_that_unpacks_is_as_good_as_a_tuple(kind: Callable[..., Any]) -> None:
    x = torch.arange(3.0)
    channel = LocalChannel(module(pair=lambda x: (x, 2 * x), other=lambda x: kind(x, 2 * x)))
    for part in (lambda made: made, lambda made: made[1]):
        run_pair = run(channel, lambda who, x, part=part: part(who.pair(x)), Proxy(channel), (x,))
        run_other = run(channel, lambda who, x, part=part: part(who.other(x)), Proxy(channel), (x,))
        ((*expected,),), ((*found,),) = digest(channel, run_pair), digest(channel, run_other)
        assert [output["elements"].tolist() for output in found] == [output["elements"].tolist() for output in expected]


def test_what_is_dropped_is_gone(channel: LocalChannel) -> None:
    results = run(channel, lambda who, x: who.triple(x), Proxy(channel), (torch.ones(1),))
    channel.request("drop", {"targets": [results]})
    with pytest.raises(StudentError):
        digest(channel, results)
