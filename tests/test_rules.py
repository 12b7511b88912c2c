"""Each rule decides about every operator of torch that could compute what it is about."""

from __future__ import annotations

import re

import pytest
import torch

from autograder.course.rule import Rule
from autograder.course.rules import load_rules
from autograder.sandbox.worker import guards
from autograder.submission.source.rules import scan
from tests.operators import RULES, registered, unread

# What a rule must cover, whatever its patterns: operators that were once used to get around it, and their like.
MUST = {
    "convolution": "aten::convolution aten::conv2d aten::im2col aten::col2im mkldnn_prepacked::conv2d_run "
    "mkldnn::_convolution_pointwise quantized::conv2d onednn::qconv2d_pointwise aten::mkldnn_convolution "
    "aten::_slow_conv2d_forward aten::conv_tbc aten::cudnn_convolution aten::convolution_backward",
    "pooling": "aten::max_pool2d aten::mkldnn_max_pool3d aten::quantized_max_pool2d quantized::max_pool2d "
    "aten::max_pool2d_with_indices_backward aten::_adaptive_avg_pool2d aten::fractional_max_pool2d aten::max_unpool2d",
    "autograd": "aten::_backward aten::_make_dual aten::native_batch_norm_backward aten::convolution_backward",
    "interpolation": "aten::upsample_nearest1d aten::_upsample_nearest_exact2d aten::upsample_linear1d "
    "aten::upsample_bilinear2d aten::upsample_trilinear3d aten::upsample_bicubic2d aten::_upsample_lanczos2d_aa "
    "aten::_upsample_bilinear2d_aa_backward aten::grid_sampler_2d aten::_grid_sampler_2d_cpu_fallback "
    "aten::max_unpool3d aten::pixel_shuffle",
    "loss": "aten::nll_loss_forward aten::nll_loss2d_forward aten::mse_loss aten::smooth_l1_loss aten::huber_loss "
    "aten::cross_entropy_loss aten::huber_loss_backward aten::kl_div aten::binary_cross_entropy",
}
# What an answer may need under every rule.
MAY = (
    "aten::mm aten::matmul aten::bmm aten::einsum aten::linear aten::addmm aten::_sparse_mm aten::sparse_sampled_addmm "
    "aten::index aten::gather aten::scatter_add aten::index_add aten::index_put_ aten::as_strided aten::unfold "
    "aten::pad aten::repeat_interleave aten::amax aten::sum aten::mean aten::logsumexp aten::log_softmax aten::softmax "
    "aten::sort aten::constant_pad_nd aten::where aten::cumsum aten::cross aten::fft_fft2 aten::_fft_r2c "
    "aten::requires_grad_"
)


@pytest.fixture(scope="module")
def known() -> list[str]:
    return registered()


def test_no_operator_is_unread(known: list[str]) -> None:
    """A new version of torch brings operators. A person decides about each: `tests/operators.py` says how."""
    assert unread(known) == []


def test_a_new_operator_is_noticed() -> None:
    """A rule's patterns rule some out at once. Each has to be read all the same: another rule may be about it, too."""
    assert RULES["convolution"].covers("vendor::fused_conv2d_pool")
    new = ["vendor::sliding_dot", "vendor::fused_conv2d_pool"]
    assert unread(["aten::mul", *new, "aten::conv2d"]) == new
    library = torch.library.Library("tests_of_rules", "DEF")
    library.define("sliding_dot(Tensor x) -> Tensor")
    try:
        assert "tests_of_rules::sliding_dot" in unread(guards.registered())
    finally:
        library._destroy()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_covers_what_it_must(rule: Rule, known: list[str]) -> None:
    for name in MUST.get(rule.name, "").split():
        assert name in known, "a test of a name that torch does not know shows nothing"
        assert rule.covers(name), name


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_leaves_what_answers_need(rule: Rule, known: list[str]) -> None:
    assert [name for name in MAY.split() if name not in known] == []
    assert [name for name in MAY.split() if rule.covers(name)] == []


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_pattern_is_needed(rule: Rule, known: list[str]) -> None:
    """An entry of the allow-list that allows nothing hides what the next torch brings under that name."""
    for pattern in rule.allowed:
        assert any(re.fullmatch(pattern, name) and rule.matches(name) for name in known), pattern


def test_without_a_file_there_are_no_rules(tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert load_rules(tmp_path / "rules.toml") == {}


def test_a_given_function_is_ruled_out_by_name() -> None:
    source = "import kit\nfrom kit import fast_roi_align as align\n"
    for body in ("align(x)", "kit.fast_roi_align(x)", "roi_align(x)"):
        text = f"{source}\ndef answer(x):\n    return {body}\n"
        found = [violation.rule for violation in scan(text, "answer", [RULES["given-roi-align"]])]
        assert found == (["given-roi-align"] if body != "roi_align(x)" else []), body
