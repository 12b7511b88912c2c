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

from autograder.checks import modules, unpack
from autograder.checks.draw import Draw
from autograder.errors import CheckFailed, ProtocolError, StudentError, WorkerTimeout
from autograder.sandbox import Worker
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.proxy import Proxy, artifact, fetch, load_artifact, parts, patient
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


def state(**changes: Any) -> bytes:
    """A saved state dict of `Net`, in float16; a change of None leaves an entry out."""
    net: dict[str, Any] = {
        "norm.weight": torch.full((3,), 0.5),
        "norm.bias": torch.zeros(3),
        "norm.running_mean": torch.full((3,), 0.25),
        "norm.running_var": torch.ones(3),
        "norm.num_batches_tracked": torch.tensor(7),
        "conv.weight": torch.full((4, 3, 3, 3), 0.125),
        "conv.bias": torch.ones(4),
    }
    net |= {name.replace("__", "."): value for name, value in changes.items()}
    half = {
        name: value.half() if value.is_floating_point() else value for name, value in net.items() if value is not None
    }
    return saved(OrderedDict(half))


def test_a_state_dict_is_loaded_on_the_students_side_in_the_dtype_of_the_model(opened: Open) -> None:
    student, _ = opened(NET, files={"net.pt": state()})
    model = student.Net().double()
    load_artifact(model, "net.pt")
    weights = modules.read(model, X)
    assert {value.dtype for value in weights.parameters} == {torch.float64}
    found = {(slot.role, slot.shape): value for slot, value in zip(weights.slots, weights.values, strict=True)}
    assert bool((found["weight", (4, 3, 3, 3)] == 0.125).all())
    assert int(found["num_batches_tracked", ()]) == 7


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (state(conv__bias=None, norm__bias=None), "do not fit the model: 2 missing$"),
        (state(conv__bais=torch.ones(4)), "do not fit the model: 1 of no parameter or buffer$"),
        (state(conv__bias=torch.ones(5), extra=torch.ones(1)), "1 of no parameter or buffer, 1 of another shape$"),
        (saved([torch.ones(3)]), "net.pt does not hold a dict of tensors"),
        (saved({"norm.bias": 3.0}), "net.pt does not hold a dict of tensors"),
    ],
)
def test_a_state_dict_that_does_not_fit_is_counted_and_changes_nothing(opened: Open, content: bytes, says: str) -> None:
    student, _ = opened(NET, files={"net.pt": content})
    model = student.Net()
    before = modules.read(model, X)
    with pytest.raises(CheckFailed, match=says) as caught:
        load_artifact(model, "net.pt")
    assert "bais" not in str(caught.value)
    assert all(map(torch.equal, before.values, modules.read(model, X).values))


def test_a_file_that_is_missing_or_no_torch_file_is_the_students_error(opened: Open) -> None:
    student, _ = opened(NET, files={"net.pt": b"no torch file"})
    for name, kind in (("other.pt", "FileNotFoundError"), ("net.pt", "UnpicklingError")):
        with pytest.raises(StudentError) as caught:
            load_artifact(student.Net(), name)
        assert caught.value.kind == kind


@pytest.mark.parametrize("reply", [3, [0, 0], [0, 0, -1], ["a", 0, 0]])
def test_a_reply_to_load_artifact_that_is_none(reply: object) -> None:
    class Forged:
        def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
            return reply

    with pytest.raises(ProtocolError):
        load_artifact(Proxy(Forged()), "net.pt")


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


CONTAINERS = """
import enum
from collections import Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from types import MappingProxyType
import numpy as np
import torch

class Odd(torch.Tensor):
    pass

class Keys(str, enum.Enum):
    DW = "dw"

Pair = namedtuple("Pair", "out cache")
ONE = torch.ones(1)

def literal(name): return name is "dw"
def key(names): return next(iter(names)) is "dw"
"""


@pytest.mark.filterwarnings("ignore:.*is. with .str. literal:SyntaxWarning")
@pytest.mark.parametrize(
    "carried, wanted",
    [
        ("Pair(1, 2)", (1, 2)),
        ("torch.Size([1, 2])", (1, 2)),
        ("deque([1, 2])", [1, 2]),
        ("OrderedDict(dw=1)", {"dw": 1}),
        ("defaultdict(int, dw=1)", {"dw": 1}),
        ("Counter(dw=1)", {"dw": 1}),
        ("UserDict(dw=1)", {"dw": 1}),
        ("MappingProxyType({Keys.DW: 1})", {"dw": 1}),
        ("{np.int64(1): np.bool_(True)}", {1: True}),
        ("np.float32(0.5)", 0.5),
        ("type('Mine', (float,), {})(0.5)", 0.5),
        ("Keys.DW", "dw"),
        ("torch.nn.Parameter(ONE)", torch.ones(1)),
        ("ONE.as_subclass(Odd)", torch.ones(1)),
        ("torch.nn.ParameterList([ONE])", [torch.ones(1)]),
        ("torch.nn.ParameterDict({'w': ONE})", {"w": torch.ones(1)}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_is_what_it_is_whatever_carries_it(carried: str, wanted: object) -> None:
    found = in_process(f"{CONTAINERS}\ndef f(): return {carried}").f()
    assert type(found) is type(wanted)
    assert str(found) == str(wanted)


@pytest.mark.filterwarnings("ignore:.*is. with .str. literal:SyntaxWarning")
def test_strings_arrive_as_literals_are() -> None:
    side = in_process(CONTAINERS)
    text = "".join(["d", "w"])
    assert side.literal(text)
    assert side.key({text: 1})


ALIKE = """
from collections.abc import Mapping
class Pair:
    def __len__(self): return 2
    def __getitem__(self, index): return (5, 6)[index]
class Grads(Mapping):
    def __len__(self): return 1
    def __iter__(self): return iter(["dw"])
    def __getitem__(self, key): return {"dw": 7}[key]
def pair(): return Pair()
def grads(): return Grads()
"""


def test_what_unpacks_and_indexes_like_a_tuple_or_a_dict_is_as_good() -> None:
    side = in_process(ALIKE)
    assert unpack(side.pair(), "one", "two") == (5, 6)
    assert fetch(side.pair()[1]) == 6
    assert side.grads() == {"dw": 7}


def test_what_iterates_can_be_taken_apart() -> None:
    side = in_process("def f(): return (n for n in range(9))\ndef g(): return object()\ndef h(): return iter([1, 2])")
    assert parts(side.f(), 3) == [0, 1, 2]
    assert parts(side.g(), 3) is None
    once = side.f()
    assert parts(once, 2) == [0, 1]
    assert parts(once, 4) == [0, 1, 2, 3]
    assert unpack(side.h(), "one", "two") == (1, 2)
    with pytest.raises(CheckFailed, match="3 or more values"):
        unpack(side.f(), "one", "two")
