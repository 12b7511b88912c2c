"""What a question rules out is noticed, however it is reached, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from autograder.course.model import Rule
from autograder.errors import ForbiddenUse, Location, StudentError
from autograder.sandbox import Worker
from autograder.sandbox.channel.refs import Ref
from autograder.sandbox.proxy import Proxy

Open = Callable[..., tuple[Proxy, Worker]]

HEAD = """
import threading
import torch
import torch.nn.functional as F
x, w = torch.randn(2, 3, 8, 8), torch.randn(4, 3, 3, 3)
def convolve(a): return F.conv2d(a, w)
def dual():
    with torch.autograd.forward_ad.dual_level():
        return torch.autograd.forward_ad.make_dual(x, x)
"""

CONVOLUTIONS = {
    "functional": "F.conv2d(x, w)",
    "module": "torch.nn.Conv2d(3, 4, 3)(x)",
    "no_grad": "torch.no_grad()(lambda: F.conv2d(x, w))()",
    "inference_mode": "torch.inference_mode()(lambda: F.conv2d(x, w))()",
    "with a gradient": "F.conv2d(x, w.requires_grad_())",
    "another name": "getattr(torch.nn, 'func' + 'tional').conv2d(x, w)",
    "ops": "torch.ops.aten.conv2d(x, w)",
    "aten convolution": "torch.ops.aten.convolution(x, w, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)",
    "one dimension": "F.conv1d(x[:, 0], w[:, :, 0][:, :1].expand(4, 8, 3))",
    "transposed": "F.conv_transpose2d(x, torch.randn(3, 4, 3, 3))",
    "double": "F.conv2d(x.double(), w.double())",
    "bfloat16": "F.conv2d(x.bfloat16(), w.bfloat16())",
    "mkldnn": "torch.mkldnn_convolution(x, w, None, [0, 0], [1, 1], [1, 1], 1)",
    "traced": "torch.jit.trace(convolve, x, check_trace=False)",
    "unfold": "F.unfold(x, 3)",
    "fold": "F.fold(torch.randn(1, 12, 4), (4, 4), 2, stride=2)",
    "slow": "torch.ops.aten._slow_conv2d_forward(x, w, [3, 3], None, [1, 1], [0, 0])",
    "depthwise": "F.conv2d(x, torch.randn(3, 1, 3, 3), groups=3)",
    "backward only": "torch.nn.grad.conv2d_weight(x, w.shape, torch.randn(2, 4, 6, 6))",
    "functorch": "torch.func.vmap(lambda a: F.conv2d(a[None], w))(x)",
}
POOLINGS = {
    "functional": "F.max_pool2d(x, 2)",
    "module": "torch.nn.MaxPool2d(2)(x)",
    "indices": "F.max_pool2d(x, 2, return_indices=True)",
    "with a gradient": "F.max_pool2d(x.requires_grad_(), 2)",
    "one dimension": "F.max_pool1d(x[0], 2)",
    "adaptive": "F.adaptive_max_pool2d(x, 2)",
    "average": "F.avg_pool2d(x, 2)",
    "adaptive average": "F.adaptive_avg_pool2d(x, 2)",
    "three": "F.max_pool3d(x, 2)",
    "fractional": "F.fractional_max_pool2d(x, 2, output_size=3)",
    "power": "F.lp_pool2d(x, 2, 2)",
}
AUTOGRADS = {
    "backward": "x.clone().requires_grad_().sum().backward()",
    "torch.autograd.backward": "torch.autograd.backward([x.clone().requires_grad_().sum()])",
    "grad": "torch.autograd.grad(w.requires_grad_().sum(), w)",
    "func.grad": "torch.func.grad(lambda a: (a * a).sum())(x)",
    "vjp": "torch.func.vjp(lambda a: a * 2, x)[1](x)",
    "jacobian": "torch.autograd.functional.jacobian(lambda a: a * 2, torch.ones(2))",
    "jvp": "torch.func.jvp(lambda a: a * a, (x,), (x,))",
    "forward mode": "dual()",
}
USES = [
    pytest.param(rule, name, code, id=f"{rule}: {name}")
    for rule, uses in ((Rule.CONVOLUTION, CONVOLUTIONS), (Rule.POOLING, POOLINGS), (Rule.AUTOGRAD, AUTOGRADS))
    for name, code in uses.items()
]


@pytest.fixture
def guarded(opened: Open) -> Callable[..., Proxy]:
    def open_(source: str, *rules: Rule) -> Proxy:
        return opened(source, rules=rules)[0]

    return open_


@pytest.mark.parametrize(("rule", "name", "code"), USES)
def test_a_use_is_noticed(guarded: Callable[..., Proxy], rule: Rule, name: str, code: str) -> None:
    student = guarded(f"{HEAD}\ndef f():\n    {code}", rule)
    with pytest.raises(ForbiddenUse) as caught:
        student.f()
    inside = {"traced": 6, "forward mode": 9}  # functions of HEAD
    assert caught.value.location == Location("answer.py", inside.get(name, 12))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("rule", "name", "code"), USES)
def test_what_is_noticed_works_without_the_rule(rule: Rule, name: str, code: str) -> None:
    """Else the test above would catch a mistake in this file."""
    names: dict[str, object] = {"__name__": "answer"}
    exec(HEAD, names)
    eval(code, names)


def test_a_gpus_own_convolution_is_noticed_too(guarded: Callable[..., Proxy]) -> None:
    """Which works on no CPU, so that it cannot stand among the others."""
    call = "torch.cudnn_convolution(x, w, [0, 0], [1, 1], [1, 1], 1, False, False, False)"
    with pytest.raises(ForbiddenUse):
        guarded(f"{HEAD}\ndef f():\n    {call}", Rule.CONVOLUTION).f()
    with pytest.raises(StudentError):
        guarded(f"{HEAD}\ndef f():\n    {call}").f()


def test_hiding_does_not_help(guarded: Callable[..., Proxy]) -> None:
    student = guarded(
        f"{HEAD}\ndef f():\n    try:\n        return F.conv2d(x, w)\n    except BaseException:\n        return x",
        Rule.CONVOLUTION,
    )
    with pytest.raises(ForbiddenUse, match="convolution"):
        student.f()


def test_another_thread_is_seen_too(guarded: Callable[..., Proxy]) -> None:
    body = "t = threading.Thread(target=lambda: F.conv2d(x, w)); t.start(); t.join()"
    student = guarded(f"{HEAD}\ndef f():\n    {body}", Rule.CONVOLUTION)
    with pytest.raises(ForbiddenUse):
        student.f()


def test_a_use_while_importing_is_noticed(opened: Open) -> None:
    _, worker = opened(f"{HEAD}\ny = F.conv2d(x, w)", rules=(Rule.CONVOLUTION,), load=False)
    with pytest.raises(ForbiddenUse):
        worker.load()


def test_what_is_not_ruled_out_works(guarded: Callable[..., Proxy]) -> None:
    source = f"""{HEAD}
def by_hand():
    out = torch.zeros(2, 4, 6, 6)
    for i in range(3):
        for j in range(3):
            out += torch.einsum('nchw,oc->nohw', x[:, :, i:i+6, j:j+6], w[:, :, i, j])
    return out
def windows(): return x.unfold(2, 3, 1).unfold(3, 3, 1).amax((-1, -2)), F.pad(x, (1, 1)), F.linear(x, torch.ones(5, 8))
"""
    student = guarded(source, *Rule)
    assert student.by_hand().shape == (2, 4, 6, 6)
    assert len(student.windows()) == 3


def test_rules_are_of_one_worker_only(guarded: Callable[..., Proxy]) -> None:
    guarded(HEAD, *Rule)
    body = "F.max_pool2d(F.conv2d(x, w.requires_grad_()), 2).sum().backward()\n    return w.grad"
    student = guarded(f"{HEAD}\ndef f():\n    {body}")
    assert isinstance(student.f(), torch.Tensor)


def test_lifted_rules_leave_nothing_behind_and_do_not_come_back(opened: Open) -> None:
    body = "F.max_pool2d(F.conv2d(x, w.requires_grad_()), 2).sum().backward()\n    return w.grad"
    source = (
        f"{HEAD}\ndef pool(): return F.max_pool2d(x, 2)\ndef convolve_(): return F.conv2d(x, w)\ndef f():\n    {body}"
    )
    _, worker = opened(source, rules=(Rule.CONVOLUTION, Rule.POOLING, Rule.AUTOGRAD))

    def call(name: str, *rules: Rule) -> Any:
        first = [("begin", {"seed": 0, "rules": [rule.value for rule in rules]})]
        return worker.request("call", {"target": Ref(None, (name,)), "args": [], "kwargs": {}}, first=first)

    with pytest.raises(ForbiddenUse):
        call("f", *Rule)
    assert call("convolve_", Rule.POOLING, Rule.AUTOGRAD).shape == (2, 4, 6, 6)
    with pytest.raises(ForbiddenUse):
        call("pool", Rule.POOLING, Rule.AUTOGRAD)
    assert call("f").shape == (4, 3, 3, 3)
    assert call("pool", *Rule).shape == (2, 3, 4, 4)
