"""A GPU that is asked for by name is the CPU where there is none, however it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch

from autograder.sandbox.session.devices import without_gpu

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")


def by_default() -> torch.Tensor:
    torch.set_default_device("cuda")
    return torch.zeros(2)


def in_a_block() -> torch.Tensor:
    with torch.device("cuda"):
        return torch.zeros(2)


def waited_for() -> torch.Tensor:
    value = torch.zeros(2).cuda()
    torch.cuda.synchronize()
    return value


WAYS: dict[str, Callable[[], torch.Tensor]] = {
    "argument": lambda: torch.zeros(2, device="cuda"),
    "number": lambda: torch.zeros(2).to(torch.device("cuda:0")),
    "method": lambda: torch.zeros(2).cuda(),
    "moved": lambda: torch.zeros(2).to("cuda", torch.float64),
    "module": lambda: torch.nn.Linear(2, 2).cuda().weight,
    "made there": lambda: torch.nn.Linear(2, 2, device="cuda").weight,
    "by default": by_default,
    "in a block": in_a_block,
    "waited for": waited_for,
}


@pytest.fixture(autouse=True)
def default_device() -> Iterator[None]:
    yield
    torch.set_default_device(None)


@pytest.mark.parametrize("way", WAYS)
def test_the_cpu_takes_its_place_and_that_is_told(way: str) -> None:
    told: list[BaseException] = []
    synchronize, set_default = torch.cuda.synchronize, torch.set_default_device
    assert without_gpu(WAYS[way], told.append).device.type == "cpu"
    assert len(told) == 1
    assert (torch.cuda.synchronize, torch.set_default_device) == (synchronize, set_default)


def test_another_error_is_what_it_is() -> None:
    told: list[BaseException] = []
    with pytest.raises(RuntimeError, match="must match"):
        without_gpu(lambda: torch.zeros(2) + torch.zeros(3), told.append)
    assert told == []
