"""Part 1: the network on bare tensors, and the parameters that it starts with."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from distributions import assert_all, assert_bell_shaped, assert_fresh, assert_spread
from learning import CLASSES, labelled_images, scores_gradient
from three_layers import COURSE, NAMES, SIMPLE, SQUARE_KERNELS, TALL_KERNELS, Network, each

from autograder.checks import (
    CheckFailed,
    Draw,
    Memo,
    Proxy,
    assert_accuracy,
    assert_kind,
    assert_matches,
    fetch,
    modules,
    place,
    plain_number,
    plain_tensor,
    scores_of,
    unpack,
)

network_question = partial(pytest.mark.question, "three-layer-functional")
start_question = partial(pytest.mark.question, "initialize-part1")

FAN_IN = {"conv_w1": 3 * 5 * 5, "conv_w2": 12 * 3 * 3, "fc_w": 8 * 32 * 32}
DRAWS = 4  # calls whose weights are judged together
STEPS, RATE, LEARNED = 16, 1e-2, 0.6


@each("three-layer-functional", (*SQUARE_KERNELS, *TALL_KERNELS))
def test_scores_and_gradients(student: Proxy, reference: Proxy, rng: Draw, network: Network) -> None:
    """The scores are right, and so are the gradients of the images and of all six parameters."""
    args = [network.draw_images(rng), network.draw_params(rng), network.hyperparams]
    upstream = rng.normal(network.samples, network.classes)
    found, wanted = (
        modules.differentiate(side.three_layer_convnet, args, upstream=upstream) for side in (student, reference)
    )
    modules.assert_same_run(found, wanted, what="three_layer_convnet")


@network_question(weight=0.5)
def test_float32(student: Proxy, rng: Draw) -> None:
    """float32 images and parameters give float32 scores.

    Whether the scores are right is checked elsewhere.
    """
    args = [SIMPLE.draw_images(rng, torch.float32), SIMPLE.draw_params(rng, torch.float32), SIMPLE.hyperparams]
    shape = SIMPLE.samples, SIMPLE.classes
    assert_kind(student.three_layer_convnet(*args), shape, torch.float32, what="the scores")


@network_question(weight=0.5)
def test_no_images(student: Proxy, rng: Draw) -> None:
    """An empty batch gives an empty batch of scores."""
    scores = student.three_layer_convnet(SIMPLE.draw_images(rng)[:0], SIMPLE.draw_params(rng), SIMPLE.hyperparams)
    try:
        assert_matches(scores, torch.zeros(0, SIMPLE.classes, dtype=torch.float64), what="the scores of no images")
    except CheckFailed as failure:
        failure.hint = failure.hint or "flatten(1) takes 0 images; reshape(0, -1) does not"
        raise


@network_question(weight=0.5)
def test_changes_nothing(student: Proxy, rng: Draw) -> None:
    """The function changes neither its list nor its dict, and gives the same result twice."""
    args = [SIMPLE.draw_images(rng), SIMPLE.draw_params(rng), SIMPLE.hyperparams]
    kept = place(student, args)
    first = plain_tensor(student.three_layer_convnet(kept[0], kept[1], kept[2]), "the scores")
    params, hyperparams = fetch(kept[1]), fetch(kept[2])
    if type(params) is not list or len(params) != len(NAMES) or hyperparams != SIMPLE.hyperparams:
        raise CheckFailed("the call changed the params or hyperparams of its caller", "read them, without pop or del")
    second = student.three_layer_convnet(kept[0], kept[1], kept[2])
    assert_matches(second, first, what="the scores of a second call with the same arguments")


def drawn(student: Proxy, *args: Any) -> tuple[Proxy, list[torch.Tensor]]:
    """The six parameters that a call returns: where they are, and their values, which have the right shapes."""
    kept = modules.keep(student.initialize_three_layer_conv_part1, *args)
    params, _ = unpack(fetch(kept), "params", "hyperparams")
    values = unpack(params, *NAMES)
    for name, value, shape in zip(NAMES, values, COURSE.shapes, strict=True):
        assert_kind(value, shape, what=name)
    return kept[0], list(values)


def weights_of_some_draws(student: Proxy) -> dict[str, torch.Tensor]:
    """By name, those of several calls together."""
    calls = [dict(zip(NAMES, drawn(student, torch.float64)[1], strict=True)) for _ in range(DRAWS)]
    return {name: torch.cat([values[name].flatten() for values in calls]) for name in FAN_IN}


@start_question()
@pytest.mark.parametrize("dtype", (None, torch.float32, torch.float64), ids=("default", "float32", "float64"))
def test_tensors(student: Proxy, dtype: torch.dtype | None) -> None:
    """The six parameters are leaves that require a gradient, of the right shapes and dtype.

    Biases are zero, and the paddings are right.
    """
    arguments = () if dtype is None else (dtype, "cpu")
    params, values = drawn(student, *arguments)
    facts = modules.tensors(params)
    if len(facts) != len(NAMES):
        raise CheckFailed(f"params holds {len(facts)} tensors, wanted {len(NAMES)}")
    for name, value, fact in zip(NAMES, values, facts, strict=True):
        if value.dtype is not (dtype or torch.float32):
            raise CheckFailed(f"{name} is {value.dtype}, wanted {dtype or torch.float32}", "hand on the argument dtype")
        if not fact.requires_grad:
            raise CheckFailed(f"{name} does not require a gradient", "requires_grad_(), after its values are drawn")
        if not fact.leaf:
            hint = "it was computed from a tensor that requires a gradient: set requires_grad last"
            raise CheckFailed(f"{name} is no leaf, so that backward gives it no gradient", hint)
        if value.dim() == 1:
            assert_all(value, 0.0, name)


@start_question(weight=0.5)
def test_hyperparams(student: Proxy) -> None:
    """`hyperparams` holds the paddings."""
    _, hyperparams = unpack(student.initialize_three_layer_conv_part1(), "params", "hyperparams")
    padding = hyperparams.get("padding") if type(hyperparams) is dict else None
    if [plain_number(value, "a padding") for value in unpack(padding, "first", "second")] != [2, 1]:
        hint = "what three_layer_convnet takes; the first padding belongs to the kernel of 5 x 5"
        raise CheckFailed('hyperparams is not {"padding": [2, 1]}', hint)


@start_question(weight=0.5)
def test_device(student: Proxy) -> None:
    """The parameters are made on the device that is asked for.

    torch's device of shapes without values stands for any but the CPU.
    """
    kept = modules.keep(student.initialize_three_layer_conv_part1, torch.float32, "meta")
    for index, name in enumerate(NAMES):
        if fetch(kept[0][index].device) != torch.device("meta"):
            raise CheckFailed(f"{name} is not on the device that was asked for", "hand on the argument device")


@start_question()
@pytest.mark.parametrize("name", FAN_IN)
def test_spread(student: Proxy, name: str) -> None:
    """The weights have mean 0 and variance 2 / fan_in."""
    assert_spread(weights_of_some_draws(student)[name], (2.0 / FAN_IN[name]) ** 0.5, name)


@start_question()
def test_normal(student: Proxy) -> None:
    """The weights are normally distributed."""
    for name, values in weights_of_some_draws(student).items():
        assert_bell_shaped(values, name)


@start_question(weight=0.5)
def test_every_draw_is_fresh(student: Proxy) -> None:
    """Every call draws new weights."""
    first, second = (drawn(student, torch.float64)[1] for _ in range(2))
    for name, one, other in zip(NAMES, first, second, strict=True):
        if one.dim() > 1:
            assert_fresh([one], [other], name)


@start_question()
def test_learns(student: Proxy, reference: Proxy, rng: Draw, memo: Memo) -> None:
    """The parameters that you initialize learn by plain gradient descent.

    The network is the reference's, so that a broken one of the student's costs nothing here.
    """
    images, labels = memo(labelled_images, 32, rng.seed())
    params, values = drawn(student)
    values = [value.to(images.dtype) for value in values]  # another dtype is for test_tensors to say
    for _ in range(STEPS):
        args = [images, values, COURSE.hyperparams]
        upstream = scores_gradient(reference.three_layer_convnet(*args), labels)
        run = modules.differentiate(reference.three_layer_convnet, args, upstream=upstream)
        for index, gradient in enumerate(run.inputs[1:]):
            values[index] = plain_tensor(params[index].data.sub_(RATE * gradient), NAMES[index]).to(images.dtype)

    def trained(batch: torch.Tensor) -> Any:
        return reference.three_layer_convnet(batch, values, COURSE.hyperparams)

    what = f"after {STEPS} steps on the same images, a correct network with your parameters"
    hint = "look at how the parameters start"
    assert_accuracy(scores_of(trained, images, CLASSES), labels, at_least=LEARNED, what=what, hint=hint)
