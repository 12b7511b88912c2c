"""What a question rules out is noticed, however it is reached, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

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
def quantized(a): return torch.quantize_per_tensor(a, 0.1, 0, torch.qint8)
def packed(): return torch.ops.mkldnn_prepacked.conv2d_prepack(w, None, [1, 1], [0, 0], [1, 1], 1, x.shape, 'none')
def dual():
    with torch.autograd.forward_ad.dual_level(): return torch.autograd.forward_ad.make_dual(x, x)
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
CONVOLUTIONS |= {
    "prepacked": "torch.ops.mkldnn_prepacked.conv2d_run(x, packed())",
    "pointwise": "torch.ops.mkldnn._convolution_pointwise(x, w, None, [0, 0], [1, 1], [1, 1], 1, 'none', [], None)",
    "quantized": "torch.ops.quantized.conv2d_prepack(quantized(w), None, [1, 1], [0, 0], [1, 1], 1)",
    "onednn": "torch.ops.onednn.qconv_prepack(w.to(torch.int8), torch.ones(4), 1.0, 0, [1, 1], [0, 0], [1, 1], 1)",
    "a name built at run time": "getattr(getattr(torch.ops, 'at' + 'en'), 'convo' + 'lution')"
    "(x, w, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)",
    "C": "getattr(torch._C._nn, 'slow_conv' + '3d')(x[:, :, None], w[:, :, None], [1, 3, 3])",
    "C, of variables": "torch._C._VariableFunctions.conv2d(x, w)",
    "scripted": "torch.jit.CompilationUnit('def run(x, w):\\n    return torch.conv2d(x, w)\\n').run(x, w)",
    "by schema": "torch._C._jit_get_operation('aten::conv2d')[0](x, w)",
    "in Python": "torch._decomp.decompositions.im2col(x, [3, 3], [1, 1], [0, 0], [1, 1])",
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
    "mkldnn, three": "torch.ops.aten.mkldnn_max_pool3d(x[None].to_mkldnn(), [2, 2, 2], [2, 2, 2])",
    "mkldnn": "torch.ops.aten.mkldnn_max_pool2d(x.to_mkldnn(), [2, 2], [2, 2])",
    "quantized": "torch.ops.quantized.max_pool2d(quantized(x), [2, 2], [2, 2], [0, 0], [1, 1], False)",
    "unpooling": "F.max_unpool2d(x, torch.arange(64).reshape(8, 8).expand(2, 3, 8, 8), 1)",
    "backward only": "torch.ops.aten.avg_pool2d_backward(x, x, [1, 1], [1, 1], [0, 0], False, True, None)",
}
AUTOGRADS = {
    "backward": "x.clone().requires_grad_().sum().backward()",
    "torch.autograd.backward": "torch.autograd.backward([x.clone().requires_grad_().sum()])",
    "grad": "torch.autograd.grad(w.requires_grad_().sum(), w)",
    "func.grad": "torch.func.grad(lambda a: (a * a).sum())(x)",
    "vjp": "torch.func.vjp(lambda a: a * 2, x)[1](x)",
    "jacobian": "torch.autograd.functional.jacobian(lambda a: a * 2, torch.ones(2))",
    "jvp": "torch.func.jvp(lambda a: a * a, (x,), (x,))",
    "of one operator": "torch.ops.aten.tanh_backward(x, x)",
    "beneath Python": "torch.ops.aten._backward((w.requires_grad_() * 2).sum(), [w])",
}
# Ways beneath Python's entries to the engine: there is no graph for them to run through.
BENEATH = {
    "a node of the graph": "(w.requires_grad_() * 2).grad_fn(w)",
    "scripted": "torch.jit.CompilationUnit('def run(w):\\n    y = (w * 2).sum()\\n    y.backward()\\n')"
    ".run(w.requires_grad_())",
    "an engine found among classes": "[c for c in object.__subclasses__() if c.__name__ == '_EngineBase'][0]()"
    ".run_backward(((w.requires_grad_() * 2).sum(),), (torch.ones(()),), False, False, (w,), allow_unreachable=False, "
    "accumulate_grad=False)",
}
INTERPOLATIONS = {
    **{
        f"{mode}, {size}": f"F.interpolate(x[{at}], {size}, mode='{mode}')"
        for mode, at, size in [
            ("nearest", "0", 4),
            ("linear", "0", 12),
            ("nearest", ":", 12),
            ("nearest-exact", ":", 12),
            ("bilinear", ":", 12),
            ("bicubic", ":", 12),
            ("trilinear", "None", 12),
            ("nearest", "None", 12),
        ]
    },
    "antialiased": "F.interpolate(x, 4, mode='bilinear', antialias=True)",
    "module": "torch.nn.Upsample(scale_factor=2)(x)",
    "grid": "F.grid_sample(x, torch.zeros(2, 4, 4, 2), align_corners=False)",
    "grid, three": "F.grid_sample(x[None], torch.zeros(1, 2, 4, 4, 3), align_corners=False)",
    "grid, bicubic": "F.grid_sample(x, torch.zeros(2, 4, 4, 2), mode='bicubic', align_corners=False)",
    "with a gradient": "F.interpolate(x.requires_grad_(), 12)",
    "mkldnn or not": "torch.ops.aten._grid_sampler_2d_cpu_fallback(x, torch.zeros(2, 4, 4, 2), 0, 0, False)",
    "unpooling": "F.max_unpool2d(x, torch.arange(64).reshape(8, 8).expand(2, 3, 8, 8), 1)",
    "shuffle": "F.pixel_shuffle(torch.ones(1, 4, 2, 2), 2)",
    "backward only": "torch.ops.aten.upsample_nearest2d_backward(x, [8, 8], [2, 3, 4, 4])",
    "in Python": "torch._decomp.decompositions.upsample_bilinear2d(x, [12, 12], False)",
    "from the table": "torch._decomp.decomposition_table[torch.ops.aten.grid_sampler_2d.default]"
    "(x, torch.zeros(2, 4, 4, 2), 0, 0, False)",
}
LOSSES = {
    "cross entropy": "F.cross_entropy(x[:, :, 0, 0], torch.tensor([0, 1]))",
    "cross entropy of images": "F.cross_entropy(x, torch.zeros(2, 8, 8, dtype=torch.int64))",
    "cross entropy of shares": "F.cross_entropy(x, x.softmax(1))",
    "likelihood": "F.nll_loss(x[:, :, 0, 0], torch.tensor([0, 1]))",
    "squares": "F.mse_loss(x, x + 1)",
    "smooth": "F.smooth_l1_loss(x, x + 1)",
    "huber": "torch.nn.HuberLoss()(x, x + 1)",
    "absolute": "F.l1_loss(x, x + 1)",
    "binary": "F.binary_cross_entropy_with_logits(x, x.sigmoid())",
    "divergence": "F.kl_div(x, x.softmax(1), reduction='sum')",
    "with a gradient": "F.mse_loss(x.requires_grad_(), w.new_zeros(()))",
    "in Python": "torch._decomp.decompositions.mse_loss(x, x + 1)",
}
USED = {
    "convolution": CONVOLUTIONS,
    "pooling": POOLINGS,
    "autograd": AUTOGRADS,
    "interpolation": INTERPOLATIONS,
    "loss": LOSSES,
}
USES = [
    pytest.param(rule, name, code, id=f"{rule}: {name}") for rule, uses in USED.items() for name, code in uses.items()
]


@pytest.fixture
def guarded(opened: Open) -> Callable[..., Proxy]:
    def open_(source: str, *rules: str) -> Proxy:
        return opened(source, rules=rules)[0]

    return open_


@pytest.mark.parametrize(("rule", "name", "code"), USES)
def test_a_use_is_noticed(guarded: Callable[..., Proxy], rule: str, name: str, code: str) -> None:
    student = guarded(f"{HEAD}\ndef f():\n    {code}", rule)
    with pytest.raises(ForbiddenUse) as caught:
        student.f()
    last = {"traced": "convolve", "forward mode": "dual", "prepacked": "packed"}.get(name, "f")
    assert caught.value.location == Location("answer.py", _last_line_of(last))


def _last_line_of(function: str) -> int:
    """Of one in HEAD, or of `f`, which stands behind it."""
    lines = f"{HEAD}\ndef f():\n    …".splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"def {function}("))
    inside = [number for number, line in enumerate(lines) if number > start and line.startswith(" ")]
    following = [number for number, line in enumerate(lines) if number > start and line.startswith("def ")]
    return max((number for number in inside if number < min(following, default=len(lines))), default=start) + 1


@pytest.mark.parametrize("code", BENEATH.values(), ids=BENEATH)
def test_there_is_no_graph_where_the_engine_is_ruled_out(guarded: Callable[..., Proxy], code: str) -> None:
    source = f"{HEAD}\ndef f():\n    {code}\n    return 1"
    assert guarded(source).f() == 1
    with pytest.raises((ForbiddenUse, StudentError)):
        guarded(source, "autograd").f()
    thread = f"import threading\n{HEAD}\ndone = []\ndef g():\n    {code}\n    done.append(1)\n"
    thread += "def f():\n    t = threading.Thread(target=g); t.start(); t.join()\n    return done"
    assert guarded(thread).f() == [1]
    assert guarded(thread, "autograd").f() == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("rule", "name", "code"), USES)
def test_what_is_noticed_works_without_the_rule(rule: str, name: str, code: str) -> None:
    """Else the test above would catch a mistake in this file."""
    names: dict[str, object] = {"__name__": "answer"}
    exec(HEAD, names)
    eval(code, names)


def test_a_gpus_own_convolution_is_noticed_too(guarded: Callable[..., Proxy]) -> None:
    """Which works on no CPU, so that it cannot stand among the others."""
    call = "torch.cudnn_convolution(x, w, [0, 0], [1, 1], [1, 1], 1, False, False, False)"
    with pytest.raises(ForbiddenUse):
        guarded(f"{HEAD}\ndef f():\n    {call}", "convolution").f()
    with pytest.raises(StudentError):
        guarded(f"{HEAD}\ndef f():\n    {call}").f()


def test_hiding_does_not_help(guarded: Callable[..., Proxy]) -> None:
    student = guarded(
        f"{HEAD}\ndef f():\n    try:\n        return F.conv2d(x, w)\n    except BaseException:\n        return x",
        "convolution",
    )
    with pytest.raises(ForbiddenUse, match="convolution"):
        student.f()


def test_another_thread_is_seen_too(guarded: Callable[..., Proxy]) -> None:
    body = "t = threading.Thread(target=lambda: F.conv2d(x, w)); t.start(); t.join()"
    student = guarded(f"{HEAD}\ndef f():\n    {body}", "convolution")
    with pytest.raises(ForbiddenUse):
        student.f()


SELF_CHECKS = {
    "convolution": "assert F.conv2d(x, w).shape == (2, 4, 6, 6)",
    "tried": "try:\n    F.conv2d(x, w)\nexcept RuntimeError:\n    raise SystemExit",
    "pooling": "print(F.max_pool2d(x, 2).shape)",
    "autograd": "w.requires_grad_(); (x * w.sum()).sum().backward(); assert w.grad is not None",
    "functional": "assert torch.func.grad(lambda a: (a * a).sum())(x).shape == x.shape",
}


@pytest.mark.parametrize("check", SELF_CHECKS.values(), ids=SELF_CHECKS)
def test_what_an_import_uses_is_not_judged_and_what_a_call_uses_is(guarded: Callable[..., Proxy], check: str) -> None:
    calls = {
        "by_hand": "return x.unfold(2, 3, 1).sum()",
        "conv": "return F.conv2d(x, w)",
        "pool": "return F.max_pool2d(x, 2)",
        "engine": "a = x.clone().requires_grad_(); (a * a).sum().backward()",
    }
    functions = "\n".join(f"def {name}():\n    {body}" for name, body in calls.items())
    rules = ("convolution", "pooling", "autograd")
    source = f"{HEAD}\n{functions}\n{check}\n"
    assert guarded(source, *rules).by_hand().shape == ()
    for name in ("conv", "pool", "engine"):
        student = guarded(source, *rules)
        with pytest.raises((ForbiddenUse, StudentError)) as caught:
            getattr(student, name)()
        assert name == "engine" or isinstance(caught.value, ForbiddenUse)


KEPT = {
    "the engine's function": ("kept = torch.autograd._engine_run_backward", "kept(y, x.sum(), {}, True, False, (x,))"),
    "the engine": (
        "kept = torch.autograd.Variable._execution_engine",
        "kept.run_backward((y,), (y,), True, False, (x,), 0, 0)",
    ),
    "a graph": ("kept = y.backward", "x.data.mul_(3); kept(retain_graph=True)"),
    "a decomposition": ("kept = torch._decomp.decompositions.im2col", "return kept(x, [2, 2], [1, 1], [0, 0], [1, 1])"),
    "an operator": (
        "kept = torch.ops.aten.convolution.default",
        "return kept(x, w, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)",
    ),
    "a traced function": ("kept = torch.jit.trace(convolve, x, check_trace=False)", "return kept(x)"),
    "a prepared layer": ("kept = packed()", "return torch.ops.mkldnn_prepacked.conv2d_run(x, kept)"),
}


@pytest.mark.parametrize(("keep", "use"), KEPT.values(), ids=KEPT)
def test_what_an_import_keeps_hold_of_is_refused_in_a_call(guarded: Callable[..., Proxy], keep: str, use: str) -> None:
    at_import = "x.requires_grad_(); y = (x * x).sum(); y.backward(retain_graph=True); F.conv2d(x.detach(), w)"
    student = guarded(f"{HEAD}\n{at_import}\nwith torch.no_grad():\n    {keep}\ndef f():\n    {use}", *USED)
    with pytest.raises(ForbiddenUse):
        student.f()


def test_an_import_is_lent_no_engine(guarded: Callable[..., Proxy]) -> None:
    """Its self-check is left out, with what fails for want of it; what else it works out is there."""
    at_import = """
leaf = x.clone().requires_grad_()
(leaf**3).sum().backward()
norm = leaf.grad.norm()
kept = leaf**3
table = F.conv2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3))
def graph(): return kept.grad_fn is None
def table_of(): return float(table.sum())
def norm_of(): return norm
"""
    student = guarded(f"{HEAD}\n{at_import}", "convolution", "autograd")
    assert student.graph() is True
    assert student.table_of() == 36.0
    with pytest.raises(StudentError, match="norm"):
        student.norm_of()


def test_no_import_is_given_a_kernel(opened: Open) -> None:
    get = "kept = torch.library.get_kernel('aten::convolution', 'CPU')"
    _, worker = opened(f"{HEAD}\nF.conv2d(x, w)\nclass A: {get}", rules=("convolution",), load=False)
    with pytest.raises(StudentError, match="not to be had"):
        worker.load()
    source = f"{HEAD}\nF.conv2d(x, w)\n{get}\ndef f(): return kept(x, w)\n"
    student, _ = opened(source, rules=("convolution",))
    with pytest.raises(StudentError, match="kept has no value"):
        student.f()


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
    student = guarded(source, *USED)
    assert student.by_hand().shape == (2, 4, 6, 6)
    assert len(student.windows()) == 3


def test_rules_are_of_one_worker_only(guarded: Callable[..., Proxy]) -> None:
    guarded(HEAD, *USED)
    body = "F.max_pool2d(F.conv2d(x, w.requires_grad_()), 2).sum().backward()\n    return w.grad"
    student = guarded(f"{HEAD}\ndef f():\n    {body}")
    assert isinstance(student.f(), torch.Tensor)


def test_lifted_rules_leave_nothing_behind_and_do_not_come_back(opened: Open) -> None:
    body = "F.max_pool2d(F.conv2d(x, w.requires_grad_()), 2).sum().backward()\n    return w.grad"
    source = (
        f"{HEAD}\ndef pool(): return F.max_pool2d(x, 2)\ndef convolve_(): return F.conv2d(x, w)\ndef f():\n    {body}"
    )
    _, worker = opened(source, rules=("convolution", "pooling", "autograd"))

    def call(name: str, *rules: str) -> Any:
        first = [("begin", {"seed": 0, "rules": list(rules)})]
        return worker.request("call", {"target": Ref(None, (name,)), "args": [], "kwargs": {}}, first=first)

    with pytest.raises(ForbiddenUse):
        call("f", *USED)
    assert call("convolve_", "pooling", "autograd").shape == (2, 4, 6, 6)
    with pytest.raises(ForbiddenUse):
        call("pool", "pooling", "autograd")
    assert call("f").shape == (4, 3, 3, 3)
    assert call("pool", *USED).shape == (2, 3, 4, 4)
