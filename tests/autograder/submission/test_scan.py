"""The look at the source: what is found, and above all what is not."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent

import pytest

from autograder.course.model import Question
from autograder.course.rule import Rule
from autograder.course.rules import load_rules
from autograder.submission.source.rules import UseKind, scan, scan_questions

RULES = load_rules(Path(__file__).parents[3] / "solutions/rules.toml")
ALL = tuple(RULES.values())
IMPORTS = """\
import gc, importlib, inspect, sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.functional import conv2d as hidden, max_pool2d
from torch import autograd, nn as layers
import scipy.signal
"""


def look(body: str, after: str = "", imports: str = IMPORTS, rules: tuple[Rule, ...] = ALL) -> list[str]:
    """`kind what` of what is found in `Conv.backward` with this body."""
    source = f"{imports}\nclass Conv:\n    @staticmethod\n    def backward(dout, cache, x=None, w=None):\n"
    source += indent(dedent(body), " " * 8) + "\n\n" + dedent(after)
    compile(source, "test", "exec")  # a body that does not parse would find nothing and prove nothing
    return [f"{found.kind} {found.what}" for found in scan(source, "Conv.backward", rules)]


@pytest.mark.parametrize(
    "body, what",
    [
        ("return F.conv2d(x, w)", "torch.nn.functional.conv2d"),
        ("return torch.conv2d(x, w)", "torch.conv2d"),
        ("return torch.conv_transpose2d(x, w)", "torch.conv_transpose2d"),
        ("return nn.Conv2d(3, 4, 3)(x)", "torch.nn.Conv2d"),
        ("return layers.LazyConv1d(3, 4)(x)", "torch.nn.LazyConv1d"),
        ("return nn.Unfold(3)(x)", "torch.nn.Unfold"),
        ("return F.unfold(x, 3)", "torch.nn.functional.unfold"),
        ("return hidden(x, w)", "torch.nn.functional.conv2d"),
        ("f = torch.nn.functional\nreturn f.conv2d(x, w)", "torch.nn.functional.conv2d"),
        ("import torch.nn.functional as Q\nreturn Q.conv2d(x, w)", "torch.nn.functional.conv2d"),
        ("return getattr(F, 'conv2d')(x, w)", "torch.nn.functional.conv2d"),
        ("return torch.ops.aten.convolution.default(x, w)", "torch.ops.aten.convolution.default"),
        ("return torch.nn.grad.conv2d_weight(x, w)", "torch.nn.grad.conv2d_weight"),
        ("return scipy.signal.convolve2d(x, w)", "scipy.signal.convolve2d"),
        ("return max_pool2d(x, 2)", "torch.nn.functional.max_pool2d"),
        ("return F.adaptive_max_pool2d(x, 2)", "torch.nn.functional.adaptive_max_pool2d"),
        ("return nn.MaxPool2d(2)(x)", "torch.nn.MaxPool2d"),
        ("return torch.autograd.grad(x, w)", "torch.autograd.grad"),
        ("return autograd.functional.vjp(x, w)", "torch.autograd.functional.vjp"),
        ("from torch.autograd import grad\nreturn grad(x, w)", "torch.autograd.grad"),
        ("return torch.func.vjp(x, w)", "torch.func.vjp"),
        ("x.requires_grad_()", ".requires_grad_()"),
        ("x.requires_grad = True", "requires_grad"),
        ("x = torch.tensor(x, requires_grad=True)", "requires_grad"),
        ("x.backward()", ".backward()"),
        ("out = Conv.forward(x, w)\nout.backward(dout)", ".backward()"),
        ("(x * dout).sum().backward()", ".backward()"),
        ("x.backward(gradient=dout)", ".backward()"),
        ("self = x\nself.out.backward()", ".backward()"),
    ],
)
def test_what_is_ruled_out_is_found(body: str, what: str) -> None:
    assert f"forbidden {what}" in look(body)


@pytest.mark.parametrize(
    "body",
    [
        "return Conv.forward(x, w, dout, cache)",
        "return Conv.backward(dout, cache)",
        "return FastConv.backward(dout, cache)",
        "layer = Layer(3)\nreturn layer.backward(dout)",
        "layer = Layer\nreturn layer.backward(dout)",
        "return Layer().backward(dout)",
        "return super().backward(dout)",
        "layer = x\nreturn layer.backward(dout, cache)",
        "return cache.layer.backward(dout)",
        "F, C, H, W = w.shape\nreturn F.conv2d",
        "return im2col(x)",
        "return unfold(x)",
        "return x.unfold(2, 3, 1).unfold(3, 3, 1)",
        "return torch.Tensor.unfold(x, 2, 3, 1)",
        "return x.conv2d",
        "conv1d = 3\nreturn conv1d",
        "max_pool = 2\nreturn max_pool",
        "return torch.max(x)",
        "return F.pad(x, (1, 1, 1, 1))",
        "return nn.functional.relu(x)",
        "with torch.no_grad():\n    return x",
        "with autograd.no_grad():\n    return x",
        "x.requires_grad_(False)\nx.requires_grad = False",
        "return x.requires_grad, x.grad",
        "model.eval()\nreturn getattr(x, cache)",
        "return getattr(cache, 'name' + '1')",
        "return torch.einsum('nchw,oc->nohw', x, w)",
        "'F.conv2d(x, w)'  # F.conv2d(x, w)",
        "return inspect_me(x), sys.maxsize, sys.stderr",
        "eval = 3\nreturn eval",
    ],
)
def test_what_is_allowed_or_unclear_is_not_reported(body: str) -> None:
    after = """
    def im2col(x): return x
    def unfold(x): return x
    class FastConv:
        def backward(d, c): return F.conv2d(d, c)
    """
    assert look(body, after) == []


@pytest.mark.parametrize(
    "body, what",
    [
        ("return __import__('torch').conv2d(x, w)", "__import__"),
        ("return importlib.import_module('torch')", "importlib.import_module"),
        ("exec('y = 1')", "exec"),
        ("return eval('torch.con' + 'v2d')", "eval"),
        ("return getattr(torch.nn, 'func' + 'tional')", "an attribute of torch.nn by a computed name"),
        ("return vars(F)['conv' + '2d']", "an attribute of torch.nn.functional by a computed name"),
        ("return F.__dict__['conv' + '2d']", "torch.nn.functional.__dict__"),
        ("return torch._C._nn.something(x)", "torch._C._nn.something"),
        ("return gc.get_objects()", "gc.get_objects"),
        ("import ctypes\nreturn ctypes.string_at(0)", "ctypes.string_at"),
        ("return sys.modules['torch']", "sys.modules"),
        ("from sys import modules\nreturn modules", "sys.modules"),
        ("return sys._getframe(1)", "sys._getframe"),
        ("return inspect.stack()", "inspect.stack"),
    ],
)
def test_ways_around_are_suspicious(body: str, what: str) -> None:
    assert f"suspicious {what}" in look(body)


@pytest.mark.parametrize(
    "body, after",
    [
        ("return _first(x, w)", "def _first(x, w): return _second(x, w)\ndef _second(x, w): return F.conv2d(x, w)"),
        ("return _short(x, w)", "_short = lambda x, w: F.conv2d(x, w)"),
        ("return Conv._inner(x, w)", "Conv._inner = staticmethod(lambda x, w: x)"),
        ("def inner():\n    return F.conv2d(x, w)\nreturn inner()", ""),
        ("return (lambda: F.conv2d(x, w))()", ""),
    ],
)
def test_helpers_of_the_same_file_are_looked_at(body: str, after: str) -> None:
    expected = [] if "_inner" in body else ["forbidden torch.nn.functional.conv2d"]  # the third is a known miss
    assert look(body, after) == expected


def test_methods_of_the_same_class_are_looked_at_and_others_are_not() -> None:
    source = """
    import torch.nn.functional as F
    class Conv:
        def forward(self, x): return self._inner(x)
        def _inner(self, x): return F.conv2d(x, x)
        def other(self, x): return F.conv1d(x, x)
    class Net:
        def __init__(self): self.w = F.conv3d
        def loss(self): return F.conv2d
    """
    found = scan(dedent(source), "Conv.forward", (RULES["convolution"],))
    assert [(v.kind, v.rule, v.what, v.line) for v in found] == [
        (UseKind.FORBIDDEN, "convolution", "torch.nn.functional.conv2d", 5)
    ]
    assert [v.line for v in scan(dedent(source), "Net", (RULES["convolution"],))] == [8, 9]
    assert scan(dedent(source), "Missing.forward", ALL) == scan(dedent(source), "missing", ALL) == ()


def test_only_what_the_question_rules_out_counts() -> None:
    body = "return F.conv2d(x, w), max_pool2d(x, 2), torch.autograd.grad(x, w)"
    assert len(look(body)) == 3
    for name in ("convolution", "pooling", "autograd"):
        assert len(look(body, rules=(RULES[name],))) == 1
    assert look(body, rules=()) == []


def test_a_whole_assignment_at_once() -> None:
    source = "import torch\ndef conv(x): return torch.conv2d(x, x)\ndef pool(x): return torch.conv2d(x, x)\n"
    rules = {"conv": ("convolution",), "pool": ("pooling",), "free": ()}
    questions = [Question(id, id, 1, "conv" if id == "free" else id, "m", rules=of) for id, of in rules.items()]
    found = scan_questions(ast.parse(source), questions, RULES)
    assert {id: [violation.line for violation in violations] for id, violations in found.items()} == {"conv": [2]}


def test_a_star_import_hides_nothing() -> None:
    imports = "from torch.nn.functional import *\n"
    assert look("return conv2d(x, w)", imports=imports) == ["forbidden torch.nn.functional.conv2d"]
    assert look("return conv2d(x, w)", "def conv2d(x, w): return x", imports=imports) == []


def test_a_star_import_gives_no_name_that_its_library_lacks() -> None:
    imports = "from helpers import *\nfrom torch.nn.functional import *\n"
    assert look("return conv2d_by_hand(x, w)", imports=imports) == []
    assert look("return conv2d(x, w)", imports=imports) == ["forbidden torch.nn.functional.conv2d"]


def test_a_syntax_error_is_left_to_the_import() -> None:
    assert scan("def f(:", "f", ALL) == ()
    assert scan(b"\xff\xfe\x00", "f", ALL) == ()
    assert scan("def f():\n    return '\\d'", "f", ALL) == ()


NASTY = (
    "'(' * 200000",
    "'-' * 100000 + '1'",
    "'not ' * 100000 + '1'",
    "'a' + '.a' * 100000",
    "'x = a' + '.a' * 2000",
    "'f(' * 90",
    "'a' + '+a' * 100000",
    "'lambda:' * 60000 + '1'",
    "'x=' * 50000 + '1'",
    "'if 1:\\n pass\\n' + 'elif 1:\\n pass\\n' * 20000",
    "'[' * 90 + ']' * 90",
    "'a\\n' * 50000",
    "'a' + '()' * 50000",
    "'a if b else ' * 30000 + 'c'",
    "'def f():\\n return a' + '.a' * 2000",
    "'def f():\\n return a' + '+a' * 2000",
)


def test_no_source_brings_the_grader_down() -> None:
    """Each in one other process, since what it could do is end it."""
    program = (
        "from autograder.course.rule import Rule\nfrom autograder.submission.source.rules import scan\n"
        f"for n in {NASTY!r}: scan(eval(n), 'f', [Rule('any', 'anything', source=('.*',), engine='autograd')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
