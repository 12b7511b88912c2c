"""The reference is asked once, whoever asks; another question finds it in the state that it should be in."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from autograder.checks.sides.reference import Answers, Requests, TranscriptChannel, digest
from autograder.errors import GraderError
from autograder.sandbox.channel.refs import Ref
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.proxy import Channel, Proxy, assign, fetch


class Counting:
    """Opens channels to a small module, and counts what reaches it."""

    def __init__(self) -> None:
        self.opened, self.requests = 0, 0

    def __call__(self) -> Channel:
        self.opened += 1
        module = ModuleType("small")
        module.__file__ = "small.py"

        class Model:
            def __init__(self) -> None:
                self.params = {"W": torch.randn(2)}

            def step(self, x: torch.Tensor) -> torch.Tensor:
                self.params["W"] += x
                return self.params["W"].clone()

        module.Model = Model  # type: ignore[attr-defined]
        module.fail = lambda: 1 / 0  # type: ignore[attr-defined]
        channel, outer = LocalChannel(module), self

        class Tap:
            def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
                outer.requests += 1
                return channel.request(op, payload, timeout)

        return Tap()


def ask(
    answers: Answers, live: Counting, x: torch.Tensor, case: str = "case", requests: Requests | None = None
) -> torch.Tensor:
    channel = TranscriptChannel(case, live, answers, requests)
    channel.request("begin", {"seed": 3})
    model = Proxy(channel).Model()
    assign(model, "params", {"W": torch.zeros(2)})
    model.step(torch.ones(2))
    out = model.step(x)
    assert isinstance(out, torch.Tensor)
    assert torch.equal(fetch(model.params)["W"], out)
    return out


def test_second_time_nothing_reaches_the_reference() -> None:
    answers: Answers = {}
    live = Counting()
    first = ask(answers, live, torch.tensor([1.0, 2.0]))
    asked = live.requests
    first += 100  # what a check does to an answer is its own affair
    again = ask(answers, live, torch.tensor([1.0, 2.0]))
    assert torch.equal(again, torch.tensor([2.0, 3.0]))
    assert (live.requests, live.opened) == (asked, 1)


def test_other_question_catches_up() -> None:
    answers: Answers = {}
    live = Counting()
    ask(answers, live, torch.tensor([1.0, 2.0]))
    other = ask(answers, live, torch.tensor([5.0, 5.0]))
    assert torch.equal(other, torch.tensor([6.0, 6.0]))
    assert live.opened == 2


def test_catching_up_needs_no_more_than_the_requests_that_were_kept() -> None:
    answers: Answers = {}
    requests: Requests = {}
    live = Counting()
    ask(answers, live, torch.tensor([1.0, 2.0]), requests=requests)
    kept = len(requests)
    other = ask(answers, live, torch.tensor([5.0, 5.0]), requests=requests)
    assert torch.equal(other, torch.tensor([6.0, 6.0]))
    assert (live.opened, len(requests)) == (2, kept + 2)


def test_cases_do_not_share_answers() -> None:
    answers: Answers = {}
    live = Counting()
    ask(answers, live, torch.ones(2), "one")
    ask(answers, live, torch.ones(2), "two")
    assert live.opened == 2


def test_failing_reference_is_our_own_fault() -> None:
    channel = TranscriptChannel("case", Counting(), {})
    with pytest.raises(GraderError, match="ZeroDivisionError"):
        Proxy(channel).fail()


@pytest.mark.parametrize(
    "one, other",
    [
        (torch.zeros(2), torch.zeros(2, dtype=torch.float64)),
        (torch.zeros(2, 3), torch.zeros(3, 2)),
        (torch.tensor([0.0]), torch.tensor([-0.0])),
        ([1, 2], (1, 2)),
        ([1, [2]], [[1], 2]),
        (1, True),
        (1.0, 1),
        ("1", 1),
        ({"a": 1}, {"b": 1}),
        (["ab", "c"], ["a", "bc"]),
        (float("nan"), float("inf")),
    ],
)
def test_digests_differ(one: object, other: object) -> None:
    assert digest(one) == digest(one)
    assert digest(one) != digest(other)


def test_a_digest_stays_what_it_is() -> None:
    """Recorded answers are known by their digests."""
    arguments = [torch.arange(6.0).reshape(2, 3).T, torch.tensor(True), torch.zeros(0, 2, dtype=torch.int64)]
    request = {"target": Ref(3, ("W",)), "args": arguments, "kwargs": {"a": None, "b": [1.5, np.ones(2)]}}
    others = torch.ones(2, dtype=torch.bfloat16), torch.nn.Parameter(torch.ones(2))
    assert digest(("call", request, *others)).hex() == "6d6fed6862885bd484a5fbd337154b34"


def test_only_plain_data_has_a_digest() -> None:
    with pytest.raises(TypeError, match="no digest of a object"):
        digest(object())
