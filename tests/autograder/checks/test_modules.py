"""Modules are graded by what they compute: whatever a submission calls its parts, and wherever it lies or errs."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from autograder.checks import modules
from autograder.checks.compare.asides import noting
from autograder.checks.draw import Draw
from autograder.checks.modules.runs import Run
from autograder.checks.sides.reference import TranscriptChannel
from autograder.errors import CheckFailed, GraderError, ProtocolError, StudentError
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.proxy import Proxy, fetch

SHAPE = (2, 3, 6, 8)
X = Draw(1).normal(*SHAPE)


class Block(nn.Module):
    """The reference: a main path and a shortcut, whose two widening convolutions have weights of one shape."""

    def __init__(self, channels: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, 2 * channels, 1, stride=stride, bias=False),
        )
        self.shortcut = nn.Conv2d(channels, 2 * channels, 1, stride=stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.main(x) + self.shortcut(x)


class Renamed(nn.Module):
    """Other names, another order of definition, the shortcut first, and a ReLU as a function."""

    def __init__(self, channels: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.z = nn.Conv2d(channels, 2 * channels, 1, stride=stride, bias=False)
        self.y = nn.Conv2d(channels, 2 * channels, 1, stride=stride, bias=False)
        self.inner = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        other = self.z(x)
        out = self.inner(F.relu(self.norms[1](x)))
        return other + self.y(F.relu(self.norms[0](out)))


class Functional(nn.Module):
    """The convolutions are bare parameters, and one is kept in another form."""

    def __init__(self, channels: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.second, self.first = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.a = nn.Parameter(torch.zeros(2 * channels, channels, 1, 1))
        self.b = nn.Parameter(torch.zeros(channels, channels, 3, 3))
        self.c = nn.Parameter(torch.zeros(2 * channels, channels, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = F.conv2d(F.relu(self.first(x)), self.b, padding=1)
        out = F.conv2d(F.relu(self.second(out)), self.c.clone(), stride=self.stride)
        return out + F.conv2d(x, self.a, stride=self.stride)


class WrongStride(Block):
    def __init__(self, channels: int = 3, stride: int = 1) -> None:
        super().__init__(channels, 3 - stride)


class WrongPath(Block):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.main(x) + self.shortcut(F.relu(x))


class WrongMomentum(Block):
    def __init__(self, channels: int = 3, stride: int = 1) -> None:
        super().__init__(channels, stride)
        self.main[3].momentum = 0.2


class AlwaysTraining(Block):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.training = self.main[0].training = True
        return super().forward(x)


class NeverTraining(Block):
    def train(self, mode: bool = True) -> Any:
        return super().train(False)


class NoStatistics(Block):
    def __init__(self, channels: int = 3, stride: int = 1) -> None:
        super().__init__(channels, stride)
        self.main[0] = nn.BatchNorm2d(channels, track_running_stats=False)


class WithBias(Block):
    def __init__(self, channels: int = 3, stride: int = 1) -> None:
        super().__init__(channels, stride)
        self.shortcut = nn.Conv2d(channels, 2 * channels, 1, stride=stride)


class InList(Block):
    """A layer that nobody finds: not registered."""

    def __init__(self, channels: int = 3, stride: int = 1) -> None:
        super().__init__(channels, stride)
        self.hidden = [self.shortcut]
        del self.shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.main(x) + self.hidden[0](x)


class Frozen(Block):
    def __init__(self, channels: int = 3, stride: int = 1) -> None:
        super().__init__(channels, stride)
        self.shortcut.weight.requires_grad_(False)


class Cut(Block):
    """A path through which nothing flows back."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.main(x) + self.shortcut(x).detach()


class Detached(Block):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).detach()


class InPlace(Block):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = super().forward(x)
        F.relu_(x)
        return out


class ShortOutput(Block):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x)[:, 1:]


class SingleOutput(Block):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).float()


class NoOutput(Block):
    def forward(self, x: torch.Tensor) -> Any:
        super().forward(x)


class Odd(torch.Tensor):
    pass


class OddOutput(Block):
    def forward(self, x: torch.Tensor) -> Any:
        return super().forward(x).as_subclass(Odd)


class ScaledGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return 2 * grad


class WrongInputGradient(Block):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(ScaledGradient.apply(x))


class WrongWeightGradient(Block):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.main(x) + F.conv2d(x, ScaledGradient.apply(self.shortcut.weight), stride=self.shortcut.stride)


class Liar(Block):
    """Overrides what tells of a module's weights: none of it is asked."""

    def named_parameters(self, *args: Any, **kwargs: Any) -> Any:
        return iter(())

    parameters = buffers = named_buffers = modules = named_modules = named_parameters

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        return {}

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        return None


class NoModule:
    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return x


class ThreeLayers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(F.relu(self.first(x)))


class ThreeLayersInReverse(ThreeLayers):
    """Bare parameters in arithmetic of its own, which tells of no role, defined in another order."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.b2, self.w2 = nn.Parameter(torch.zeros(4)), nn.Parameter(torch.zeros(4, 4))
        self.b1, self.w1 = nn.Parameter(torch.zeros(4)), nn.Parameter(torch.zeros(4, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x @ self.w1.t() + self.b1) @ self.w2.t() + self.b2


def weighted(x: torch.Tensor, params: list[torch.Tensor], scale: float = 1.0) -> torch.Tensor:
    return scale * (x @ params[0] + params[1])


def in_float32(x: torch.Tensor, params: list[torch.Tensor]) -> torch.Tensor:
    return x.float() @ params[0].float() + params[1].float()


def in_float64(x: torch.Tensor, params: list[torch.Tensor]) -> torch.Tensor:
    return x.double() @ params[0].double() + params[1].double()


def in_place(x: torch.Tensor, params: list[torch.Tensor]) -> torch.Tensor:
    return x.mul_(2) @ params[0] + params[1]


def cut_bias(x: torch.Tensor, params: list[torch.Tensor], scale: float = 1.0) -> torch.Tensor:
    return scale * (x @ params[0] + params[1].detach())


def initialized() -> Any:
    return [torch.ones(2, requires_grad=True), torch.ones(3) * torch.ones(1, requires_grad=True)], {"pad": [1, 2]}


def trained(lr: float = 0.01) -> Any:
    model = Block()
    return model, torch.optim.SGD(model.parameters(), lr=lr, momentum=0.5)


def trained_apart() -> Any:
    return Block(), torch.optim.SGD(Block().parameters(), lr=0.01, momentum=0.5)


def trained_partly() -> Any:
    model = Block()
    return model, torch.optim.SGD(model.main.parameters(), lr=0.01, momentum=0.5)


class OwnSGD(torch.optim.SGD):
    pass


OwnSGD.__name__ = "SGD"


def trained_by_its_own() -> Any:
    model = Block()
    return model, OwnSGD(model.parameters(), lr=0.01, momentum=0.5)


def side() -> Proxy:
    """A session in this process on everything above."""
    module = ModuleType("submission")
    module.__file__ = "submission.py"
    vars(module).update({name: value for name, value in globals().items() if not name.startswith("__")})
    return Proxy(LocalChannel(module))


@pytest.fixture
def student() -> Proxy:
    return side()


@pytest.fixture
def reference() -> Proxy:
    return Proxy(TranscriptChannel("case", lambda: side()._channel, {}))


def compare(student: Proxy, reference: Proxy, name: str, *, training: bool = True, stride: int = 2) -> None:
    rng, trusted = Draw(2), reference.Block(3, stride)
    weights = modules.draw_weights(rng, trusted, X)
    upstream = rng.normal(2, 6, 6 // stride, 8 // stride)
    model = getattr(student, name)(3, stride)
    theirs, wanted = (
        modules.run(side, X, weights=weights, training=training, upstream=upstream) for side in (model, trusted)
    )
    modules.assert_same_run(theirs, wanted, what="the block")


# ---------------------------------------------------------------- what is right


@pytest.mark.parametrize("name", ["Block", "Renamed", "Functional", "Liar"])
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_right_module_passes_whatever_it_calls_its_parts(
    student: Proxy, reference: Proxy, name: str, training: bool, stride: int
) -> None:
    compare(student, reference, name, training=training, stride=stride)


def test_bare_parameters_of_unknown_role_are_found_by_shape_and_use(student: Proxy) -> None:
    x, trusted = torch.randn(2, 4, dtype=torch.float64), student.ThreeLayers()
    weights = modules.draw_weights(Draw(3), trusted, x)
    upstream = torch.ones(2, 4, dtype=torch.float64)
    theirs, wanted = (
        modules.run(model, x, weights=weights, training=True, upstream=upstream)
        for model in (student.ThreeLayersInReverse(), trusted)
    )
    modules.assert_same_run(theirs, wanted)


def test_weights_are_of_order_one_and_in_the_order_of_use(reference: Proxy) -> None:
    weights = modules.draw_weights(Draw(4), reference.Block(), X)
    roles = [(slot.role, slot.owner, slot.shape) for slot in weights.slots if not slot.buffer]
    norm = [("scale", "BatchNorm2d", (3,)), ("shift", "BatchNorm2d", (3,))]
    # By depth: the shortcut stands at the beginning, beside the first normalization.
    first = [*norm, ("weight", "Conv2d", (6, 3, 1, 1)), ("weight", "Conv2d", (3, 3, 3, 3))]
    assert roles == [*first, *norm, ("weight", "Conv2d", (6, 3, 1, 1))]
    assert {value.dtype for value in weights.parameters} == {torch.float64}
    assert all(0.05 < value.std() < 3 for value in weights.parameters if value.numel() > 6)
    variances = [value for slot, value in zip(weights.slots, weights.values, strict=True) if slot.role == "running_var"]
    assert all((value > 0.4).all() for value in variances)


# ---------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("name", "training", "says"),
    [
        ("WrongStride", True, r"output of the block has shape \(2, 6, 6, larger\), wanted \(2, 6, 3, 4\)"),
        ("WrongPath", True, "the output of the block differs"),
        ("WrongMomentum", True, "running_mean of batch normalization 2 of 2 in the order of use differs"),
        ("AlwaysTraining", False, "the output of the block differs"),
        ("NeverTraining", True, "the output of the block differs"),
        ("NoStatistics", True, r"running statistics are missing: 1 of shape \(3,\) \(running_mean\)"),
        ("WithBias", True, r"too many are 1 of shape \(6,\) \(bias\)"),
        ("InList", True, r"missing are 1 of shape \(6, 3, 1, 1\) \(weight\)"),
        (
            "Frozen",
            True,
            r"parameter 3 of 7 in the order of use \(weight of a Conv2d, shape \(6, 3, 1, 1\)\) is missing",
        ),
        ("Cut", True, "the gradient of the block with respect to its input differs"),
        ("Detached", True, "no gradient flows through the output of the block"),
        ("InPlace", True, "the input of the block was changed by the call"),
        ("ShortOutput", True, r"output of the block has shape \(2, 5, 3, 4\)"),
        ("SingleOutput", True, "output of the block is torch.float32"),
        ("NoOutput", True, "output of the block is None"),
        ("WrongInputGradient", True, "with respect to its input differs in"),
        ("WrongWeightGradient", True, r"parameter 3 of 7 in the order of use \(weight of a Conv2d, .*\) differs in 18"),
        ("NoModule", True, "not an nn.Module"),
    ],
)
def test_a_wrong_module_fails_and_is_told_where(
    student: Proxy, reference: Proxy, name: str, training: bool, says: str
) -> None:
    if name == "NoModule":
        with pytest.raises(CheckFailed, match=says):
            modules.run(student.NoModule(), X, training=True)
        return
    with pytest.raises(CheckFailed, match=says):
        compare(student, reference, name, training=training)


def test_a_wrong_momentum_does_not_show_in_evaluation(student: Proxy, reference: Proxy) -> None:
    compare(student, reference, "WrongMomentum", training=False)


@pytest.mark.parametrize(
    ("value", "says"), [(None, "is None, not an nn.Module"), (torch.ones(2), r"tensor with 1 axis, not an nn.Mod")]
)
def test_plain_data_is_no_module(value: object, says: str) -> None:
    with pytest.raises(CheckFailed, match=says):
        modules.assert_module(value)


def test_another_object_is_no_module(student: Proxy) -> None:
    assert modules.assert_module(student.Block()) is not None
    with pytest.raises(CheckFailed, match=r"the block is not an nn\.Module"):
        modules.assert_module(student.NoModule(), "the block")


def test_gradients_that_the_reference_lacks_are_our_own_fault(student: Proxy) -> None:
    model = student.Block()
    for upstream in (torch.ones(2, 6, 6, 7), torch.ones(2, 6, 6, 8, dtype=torch.int64)):
        run = modules.run(model, X.float(), training=True, upstream=upstream)
        with pytest.raises(GraderError):
            modules.assert_same_run(run, run)


def test_a_detached_output_matters_only_where_gradients_are_asked_for(student: Proxy) -> None:
    theirs, wanted = (
        modules.run(model, X, weights=weights_of(student), training=True)
        for model in (student.Detached(), student.Block())
    )
    modules.assert_same_run(theirs, wanted)


def weights_of(student: Proxy) -> modules.Weights:
    return modules.draw_weights(Draw(2), student.Block(), X)


def test_without_inputs_the_order_of_definition_counts(student: Proxy) -> None:
    weights = weights_of(student)
    model = student.Renamed()
    taken = modules.load(model, weights)
    scales = [tensor.index for tensor in taken if tensor.role == "scale"]
    assert scales == sorted(scales)
    assert [tensor.index for tensor in modules.load(model, weights, X) if tensor.role == "scale"] == scales[::-1]


# ---------------------------------------------------------------- facts


def test_facts(student: Proxy) -> None:
    facts = modules.describe(student.Block(3, 2))
    assert (facts.kind, facts.bases, facts.class_name, facts.training) == ("", ("Module",), "Block", True)
    assert [(child.name, child.kind) for child in facts.children] == [("main", "Sequential"), ("shortcut", "Conv2d")]
    assert facts.count == sum(parameter.numel() for parameter in Block().parameters())
    assert len(facts.buffers) == 6
    conv = facts.layers[-1]
    assert (conv.kind, conv.settings["stride"], conv.settings["bias"]) == ("Conv2d", (2, 2), False)
    assert facts.layers[0].settings["momentum"] == 0.1
    assert facts.steps == ()


def test_the_layers_that_run(student: Proxy) -> None:
    steps = modules.executed(student.Block(3, 2), X)
    norm = ["BatchNorm2d", "ReLU", "Conv2d"]
    assert [step.layer.kind for step in steps] == [*norm, *norm, "Conv2d"]
    assert (steps[-1].inputs, steps[-1].outputs) == (((2, 3, 6, 8),), ((2, 6, 3, 4),))
    assert len(modules.executed(student.Renamed(), X)) == 5


def test_looking_leaves_no_trace(student: Proxy) -> None:
    model = student.Block()
    before, state = modules.read(model), torch.get_rng_state()
    modules.describe(model, X)
    after = modules.read(model, X)
    assert modules.describe(model).training
    assert torch.equal(torch.get_rng_state(), state)
    assert {slot.index: value.tolist() for slot, value in zip(before.slots, before.values, strict=True)} == {
        slot.index: value.tolist() for slot, value in zip(after.slots, after.values, strict=True)
    }


def test_shared_weights_count_once(student: Proxy) -> None:
    model = student.nn.Sequential(student.ThreeLayers())
    layer = modules.keep(student.nn.Linear, 4, 4)
    twice = student.nn.Sequential(layer, layer)
    assert modules.describe(twice).count == 20
    assert modules.describe(model).count == 40


def test_what_was_kept(student: Proxy) -> None:
    kept = modules.keep(student.initialized)
    facts = modules.tensors(kept[0])
    assert [(tensor.shape, tensor.requires_grad, tensor.leaf) for tensor in facts] == [
        ((2,), True, True),
        ((3,), True, False),
    ]
    assert fetch(kept)[1] == {"pad": [1, 2]}


# ---------------------------------------------------------------- functions of tensors


def test_gradients_of_a_function_through_a_list(student: Proxy) -> None:
    x, w, b = torch.randn(2, 3), torch.randn(3, 4), torch.randn(4)
    upstream = torch.randn(2, 4)
    wanted = modules.differentiate(student.weighted, [x, [w, b]], {"scale": 2.0}, upstream=upstream)
    assert torch.allclose(wanted.inputs[0], 2 * upstream @ w.t())
    assert torch.allclose(wanted.inputs[2], 2 * upstream.sum(0))
    assert wanted.changed == (False, False, False)
    found = modules.differentiate(student.cut_bias, [x, [w, b]], {"scale": 2.0}, upstream=upstream)
    with pytest.raises(CheckFailed, match="with respect to its input 3 of 3 is missing: none arrived"):
        modules.assert_same_run(found, wanted)


def test_an_output_of_another_dtype_has_gradients_too(student: Proxy) -> None:
    """They are no more precise than the output, so they have its dtype: one check takes points for it."""
    x, w, b = (each.double() for each in (torch.randn(2, 3), torch.randn(3, 4), torch.randn(4)))
    upstream = torch.randn(2, 4, dtype=torch.float64)
    exact = modules.differentiate(student.weighted, [x, [w, b]], upstream=upstream)
    rounded = modules.differentiate(student.in_float32, [x, [w, b]], upstream=upstream)
    assert {each.dtype for each in exact.inputs} == {torch.float64}
    assert {each.dtype for each in rounded.inputs} == {torch.float32}
    with pytest.raises(CheckFailed, match="float32"):
        modules.assert_same_run(rounded, exact)
    notes: dict[str, str] = {}
    with noting(notes, "w1"):
        modules.assert_same_run(rounded, exact)
    assert "one check takes points for it" in notes["w1"]
    finer = modules.differentiate(student.in_float64, [x.float(), [w.float(), b.float()]], upstream=upstream.float())
    assert {each.dtype for each in finer.inputs} == {torch.float32}


def test_an_input_that_was_changed_is_named_before_its_gradient(student: Proxy) -> None:
    x, w, b = torch.randn(2, 3), torch.randn(3, 4), torch.randn(4)
    with pytest.raises(CheckFailed, match="an input was changed by the call"):
        modules.differentiate(student.in_place, [x, [w, b]], upstream=torch.randn(2, 4))


def test_filler_of_nan_is_no_change(student: Proxy) -> None:
    """NaN is not equal to NaN, and a tensor of them that nobody wrote to is the same all the same."""
    x, w, b = torch.randn(2, 3), torch.randn(3, 4), torch.full((4,), torch.nan)
    run = modules.differentiate(student.weighted, [x, [w, b]], {"scale": 2.0}, upstream=torch.randn(2, 4))
    assert run.changed == (False, False, False)


# ---------------------------------------------------------------- optimizers


def test_an_optimizer_and_its_settings(student: Proxy) -> None:
    model, optimizer = student.trained()
    facts = modules.optimizer(optimizer, model)
    assert (facts.kind, facts.groups[0].settings["lr"]) == ("SGD", 0.01)
    assert len(facts.groups[0].parameters) == len(modules.describe(model).parameters)
    modules.assert_optimizer(optimizer, model, "SGD", lr=0.01, momentum=0.5)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        ("trained_apart", "leaves out 7 of the model's 7 parameters, and holds 7 others"),
        ("trained_partly", "leaves out 1 of the model's 7 parameters, and holds 0 others"),
        ("trained_by_its_own", "not of the class torch.optim.SGD"),
    ],
)
def test_a_wrong_optimizer(student: Proxy, make: str, says: str) -> None:
    model, optimizer = getattr(student, make)()
    with pytest.raises(CheckFailed, match=says):
        modules.assert_optimizer(optimizer, model, "SGD", lr=0.01, momentum=0.5)


def test_a_wrong_setting_and_what_is_no_optimizer(student: Proxy) -> None:
    model, optimizer = student.trained(0.1)
    with pytest.raises(CheckFailed, match=r"the optimizer's lr is not 0.01"):
        modules.assert_optimizer(optimizer, model, "SGD", lr=0.01)
    for value in (model, None):
        with pytest.raises(CheckFailed, match=r"is not one of torch\.optim"):
            modules.optimizer(value, model)  # type: ignore[arg-type]


def test_steps_show_in_the_parameters_of_the_model(student: Proxy) -> None:
    model, optimizer = student.trained()
    weights = modules.draw_weights(Draw(5), model, X)
    gradients = [torch.ones_like(value) for value in weights.parameters]
    first, second = modules.step(model, optimizer, weights, [gradients, gradients], X)
    for before, one, two in zip(weights.parameters, first, second, strict=True):
        assert torch.allclose(one, before - 0.01)
        assert torch.allclose(two, before - 0.01 - 0.015)
    model, optimizer = student.trained_apart()
    (after,) = modules.step(model, optimizer, weights, [gradients], X)
    assert all(map(torch.equal, after, weights.parameters))


# ---------------------------------------------------------------- nonsense


class Forger:
    """A channel that answers one operation with something else, as a submission in a worker could."""

    def __init__(self, op: str, answer: Any) -> None:
        self._channel, self._op, self._answer = side()._channel, op, answer

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        return self._answer if op == self._op else self._channel.request(op, payload, timeout)


RUN = {"output": None, "attached": [], "inputs": [None], "changed": [False], "tensors": []}
CLASS = {"name": "", "kind": "", "bases": [], "class": "x"}
FACTS = {**CLASS, "training": True, "children": [], "layers": [], "tensors": [], "steps": []}
TENSOR = {"name": "", "buffer": False, "shape": [2], "dtype": torch.float32, "requires_grad": True, "leaf": True}
TENSOR |= {"owner": "", "role": "", "depth": 0, "order": 0}


@pytest.mark.parametrize(
    ("op", "answer"),
    [
        *(("describe", answer) for answer in (3, [], {}, "Conv2d")),
        ("describe", {**FACTS, "kind": "the hidden input was 3"}),
        ("describe", {**FACTS, "training": 1}),
        ("describe", {**FACTS, "steps": [[0, [], []]]}),
        ("describe", {**FACTS, "layers": [{**CLASS, "settings": {"stride": [[1]]}}]}),
        *(
            ("describe", {**FACTS, "tensors": [{**TENSOR, **lie}]})
            for lie in (
                {"shape": [-1]},
                {"shape": ["2"]},
                {"dtype": "float"},
                {"role": "x"},
                {"owner": "x"},
                {"depth": None},
            )
        ),
        *(
            ("differentiate", answer)
            for answer in (None, {}, RUN, {**RUN, "changed": [1]}, {**RUN, "inputs": [[], []]})
        ),
        *(("read_tensors", answer) for answer in (None, [], [torch.ones(9)] * 20)),
        *(("optimizer", answer) for answer in ({}, {"kind": "SGD", "groups": [{"settings": {}, "parameters": ["0"]}]})),
    ],
)
def test_an_answer_that_is_none(op: str, answer: Any) -> None:
    student = Proxy(Forger(op, answer))
    model = student.Block()
    with pytest.raises(ProtocolError):
        {
            "describe": lambda: modules.describe(model),
            "differentiate": lambda: modules.run(model, X.float(), training=True),
            "read_tensors": lambda: modules.read(model),
            "optimizer": lambda: modules.optimizer(model, model),
        }[op]()


def test_gradients_of_nonsense_are_wrong_and_no_more() -> None:
    wanted = Run(torch.ones(1), (True,), (torch.ones(1),), (False,), asked=(True,))
    for junk in ("text", [1], 3.0, torch.ones(2), Proxy(Forger("", None))):
        found = Run(torch.ones(1), (True,), (junk,), (False,))
        with pytest.raises(CheckFailed):
            modules.assert_same_run(found, wanted)
    with pytest.raises(ProtocolError):
        modules.assert_same_run(Run(torch.ones(1), (True,), (), ()), wanted)


def test_an_error_in_forward_is_the_students(student: Proxy) -> None:
    with pytest.raises(StudentError):
        modules.run(student.Block(5), X, training=True)
