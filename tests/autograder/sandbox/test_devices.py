"""A GPU that is asked for by name is the CPU where there is none, however it is asked for."""

from __future__ import annotations

import io
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


def on_a_stream() -> torch.Tensor:
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    with torch.cuda.stream(torch.cuda.Stream()), torch.cuda.device(0):
        value = torch.zeros(2)
    end.record()
    torch.cuda.current_stream().wait_stream(torch.cuda.Stream())
    assert start.elapsed_time(end) > 0
    return value


def by_type() -> torch.Tensor:
    torch.set_default_tensor_type("torch.cuda.FloatTensor")
    torch.set_default_tensor_type(torch.cuda.FloatTensor)  # type: ignore[attr-defined]
    return torch.cuda.FloatTensor([1.0, 2.0]).type("torch.cuda.DoubleTensor")  # type: ignore[attr-defined,no-any-return]


def by_default_mps() -> torch.Tensor:
    torch.set_default_device("mps")
    return torch.zeros(2)


def asked_about() -> torch.Tensor:
    assert torch.cuda.get_device_name(0)
    assert torch.cuda.get_device_properties(0).total_memory > 0
    torch.cuda.reset_peak_memory_stats()
    torch.mps.synchronize()
    return torch.rand(2, generator=torch.Generator("cuda").manual_seed(1))


def loaded() -> torch.Tensor:
    file = io.BytesIO()
    torch.save(torch.zeros(2), file)
    file.seek(0)
    value: torch.Tensor = torch.load(file, "cpu")
    return value + torch.load(io.BytesIO(file.getvalue()), map_location="mps")


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
    "on a stream": on_a_stream,
    "pinned": lambda: torch.zeros(2).pin_memory(),
    "made pinned": lambda: torch.zeros(2, pin_memory=True),
    "by type": by_type,
    "mps made": lambda: torch.rand(2, device="mps"),
    "mps moved": lambda: torch.zeros(2).to("mps:0"),
    "mps module": lambda: torch.nn.Linear(2, 2).to(torch.device("mps")).weight,
    "mps by default": by_default_mps,
    "xpu": lambda: torch.zeros(2, device="xpu").xpu(),
    "asked about": asked_about,
    "loaded": loaded,
}


@pytest.fixture(autouse=True)
def default_device() -> Iterator[None]:
    yield
    torch.set_default_device(None)


@pytest.mark.parametrize("way", WAYS)
def test_the_cpu_takes_its_place_and_that_is_told(way: str) -> None:
    told: list[BaseException] = []
    names = [(module, dict(vars(module))) for module in (torch, torch.cuda, torch.mps, torch.xpu)]
    assert without_gpu(WAYS[way], told.append).device.type == "cpu"
    assert len(told) == 1
    for module, before in names:
        assert all(vars(module)[name] is value for name, value in before.items())


def test_another_error_is_what_it_is() -> None:
    told: list[BaseException] = []
    with pytest.raises(RuntimeError, match="must match"):
        without_gpu(lambda: torch.zeros(2) + torch.zeros(3), told.append)
    assert told == []
