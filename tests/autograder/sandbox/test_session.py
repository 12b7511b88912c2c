"""What a session does with modules, handed-in files and odd containers, inside a confined worker."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from autograder.checks import modules
from autograder.checks.draw import Draw
from autograder.errors import CheckFailed, ProtocolError, StudentError, WorkerTimeout
from autograder.sandbox import Worker
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.proxy import Proxy, artifact, fetch, patient
from autograder.sandbox.session.artifacts import load_file

Open = Callable[..., tuple[Proxy, Worker]]

NET = """
import torch
from collections import OrderedDict
from torch import nn

class Net(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.norm = nn.BatchNorm2d(3, momentum=momentum)
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        return self.conv(torch.relu(self.norm(x)))

def pair():
    model = Net()
    return model, torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)

def ordered():
    return OrderedDict(b=torch.ones(1), a=OrderedDict(c=2)), torch.ones(2, 3).shape
"""
X = Draw(1).normal(2, 3, 5, 4)
UPSTREAM = Draw(2).normal(2, 4, 5, 4)


def in_process(source: str) -> Proxy:
    module = ModuleType("reference")
    module.__file__ = "reference.py"
    exec(source, vars(module))
    return Proxy(LocalChannel(module))


def compared(student: Proxy, *args: Any, training: bool = True) -> None:
    trusted = in_process(NET).Net()
    weights = modules.draw_weights(Draw(3), trusted, X)
    theirs, wanted = (
        modules.run(model, X, weights=weights, training=training, upstream=UPSTREAM)
        for model in (student.Net(*args), trusted)
    )
    modules.assert_same_run(theirs, wanted)


# ---------------------------------------------------------------- modules


def test_a_module_in_a_worker_computes_what_the_reference_does(opened: Open) -> None:
    student, _ = opened(NET)
    compared(student)
    compared(student, training=False)
    with pytest.raises(CheckFailed, match="after one call of the module, running_mean of batch normalization 1 of 1"):
        compared(student, 0.3)
    assert [step.layer.kind for step in modules.executed(student.Net(), X)] == ["BatchNorm2d", "Conv2d"]


def test_an_optimizer_in_a_worker_steps_as_the_reference_does(opened: Open) -> None:
    student, _ = opened(NET)
    after = []
    for side in (student, in_process(NET)):
        model, optimizer = side.pair()
        modules.assert_optimizer(optimizer, model, "Adam", lr=1e-3, weight_decay=1e-4)
        weights = modules.draw_weights(Draw(4), model, X)
        gradients = [[Draw(step).normal(*value.shape) for value in weights.parameters] for step in range(3)]
        after.append(modules.step(model, optimizer, weights, gradients, X))
    for theirs, wanted in zip(*after, strict=True):
        assert all(map(torch.equal, theirs, wanted))


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        ("modules.describe = lambda *_: {'kind': X}", ProtocolError),
        ("modules.describe = lambda *_: object()", (ProtocolError, CheckFailed)),
        ("modules.differentiate = lambda *_: [X] * 9", ProtocolError),
        ("modules.load = lambda model, _: model.double() and None", CheckFailed),
        ("torch.autograd.grad = lambda outputs, inputs, *_, **__: [0 * i for i in inputs]", CheckFailed),
        ("Net.forward = lambda self, x: {}['x']", StudentError),
        ("Net.register_forward_hook = None\nNet.forward = lambda self, x: self.conv(x)", CheckFailed),
        ("Net.train = lambda self, mode=True: self.forward", (CheckFailed, StudentError)),
    ],
)
def test_a_worker_that_was_patched_gains_nothing(opened: Open, patch: str, error: Any) -> None:
    """The submission shares its process with the harness, and may replace any of it."""
    student, _ = opened(f"{NET}\nfrom autograder.sandbox.session import modules\nX = 'the hidden input'\n{patch}\n")
    with pytest.raises(error) as caught:
        compared(student, training="train" not in patch)
    assert "hidden" not in str(caught.value)


def test_a_forward_that_never_ends_is_stopped(opened: Open) -> None:
    source = f"{NET}\ndef spin(self, x):\n    while True: pass\nNet.forward = spin"
    student, _ = opened(source)
    model = student.Net()
    with pytest.raises(WorkerTimeout):
        modules.describe(patient(model, 0.5), X)


def test_an_endless_module_is_bounded(opened: Open) -> None:
    source = """
    from torch import nn
    def deep():
        top = model = nn.Sequential()
        for _ in range(3000):
            model.append(nn.Sequential())
            model = model[0]
        return top
    """
    student, _ = opened(source)
    with pytest.raises(StudentError, match="more than 2000 modules"):
        modules.describe(student.deep())


# ---------------------------------------------------------------- containers


def test_ordered_dicts_and_sizes_come_as_plain_data(opened: Open) -> None:
    student, _ = opened(NET)
    found, size = student.ordered()
    assert (type(found), list(found), found["a"], size) == (dict, ["b", "a"], {"c": 2}, (2, 3))
    assert list(student.Net().state_dict())[:2] == ["norm.weight", "norm.bias"]


def test_what_is_kept_stays_there_as_it_is(opened: Open) -> None:
    student, _ = opened(
        "import torch\ndef f(n): return [torch.ones(n, requires_grad=True)], n\ndef g(x): return x is x"
    )
    kept = modules.keep(student.f, 3)
    assert isinstance(kept, Proxy)
    assert [(fact.shape, fact.requires_grad) for fact in modules.tensors(kept)] == [((3,), True)]
    assert fetch(kept)[1] == 3
    assert student.g(kept[0])


# ---------------------------------------------------------------- handed-in files


def saved(value: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
def test_a_history_loads_whatever_kind_of_number_is_in_it(opened: Open, options: dict[str, Any]) -> None:
    numbers = [0.5, np.float64(0.5), np.float32(0.5), np.float16(0.5), torch.tensor(0.5)]
    counts = [3, np.int64(3), np.int32(3), np.uint8(3), torch.tensor(3)]
    history = {"loss": numbers, "step": counts, "ok": np.bool_(True), "name": "a", "array": np.arange(3.0)}
    student, _ = opened("", files={"h.pt": saved(OrderedDict(history=history), **options)})
    found = artifact(student, "h.pt")["history"]
    assert [type(value) for value in found["loss"]] == [float] * 4 + [torch.Tensor]
    assert [type(value) for value in found["step"]] == [int] * 4 + [torch.Tensor]
    assert [float(value) for value in found["loss"]] == [0.5] * 5
    assert [int(value) for value in found["step"]] == [3] * 5
    assert (found["ok"], found["name"], found["array"].tolist()) == (True, "a", [0.0, 1.0, 2.0])


def test_scalars_of_an_older_numpy_load() -> None:
    """Its modules had other names."""
    new = saved([np.float64(1.5)], _use_new_zipfile_serialization=False)
    assert b"numpy._core.multiarray" in new
    old = new.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert load_file(old) == [1.5]


def test_tensors_of_a_gpu_come_to_the_cpu() -> None:
    data = saved({"acc": torch.tensor(0.5)}, _use_new_zipfile_serialization=False)
    assert b"cpu" in data
    moved = data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    assert moved != data
    assert load_file(moved)["acc"] == torch.tensor(0.5)


class Calls:
    def __reduce__(self) -> Any:
        return print, ("hello",)


@pytest.mark.parametrize(
    "content",
    [
        saved({"x": Calls()}),
        saved(np.array([Calls()], dtype=object)),
        saved(torch.nn.Linear(2, 2)),
        pickle.dumps({"x": Calls()}, protocol=2),
        b"",
        b"not a file of torch",
        saved({"x": 1})[:-40],
    ],
    ids=["call", "objects", "module", "pickle", "empty", "text", "cut"],
)
def test_anything_else_is_refused_and_not_run(content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(pickle.UnpicklingError, match="more than tensors, numbers, text, lists, tuples and dicts"):
        load_file(content)
    assert "hello" not in capsys.readouterr().out


def test_loading_leaves_what_torch_allows_as_it_was() -> None:
    before = set(torch.serialization.get_safe_globals())
    load_file(saved([np.float64(1)]))
    assert set(torch.serialization.get_safe_globals()) == before


def test_a_dict_of_another_kind_is_no_plain_data() -> None:
    side = in_process("from collections import defaultdict\ndef f(): return defaultdict(int)")
    assert isinstance(side.f(), Proxy)
