"""The operations of `autograder.checks.modules`: asks the other side for facts, loads weights, runs, compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import torch

from autograder.checks.compare.compare import assert_shape
from autograder.checks.compare.compare import describe as in_words
from autograder.checks.draw import Draw
from autograder.checks.modules.facts import LayerRun, ModuleFacts, OptimizerFacts, TensorFacts
from autograder.checks.modules.runs import Run, assert_same_run, read_run
from autograder.checks.modules.weights import Weights, draw_values, match, slots_of
from autograder.errors import CheckFailed, GraderError, ProtocolError
from autograder.sandbox.channel.tree import leaves
from autograder.sandbox.proxy import Proxy

__all__ = [
    "LayerRun",
    "Run",
    "Upstream",
    "Weights",
    "assert_holds",
    "assert_module",
    "assert_optimizer",
    "assert_same_run",
    "describe",
    "differentiate",
    "draw_weights",
    "executed",
    "keep",
    "load",
    "optimizer",
    "read",
    "run",
    "saved",
    "spare_biases",
    "step",
    "tensors",
]

Upstream = torch.Tensor | Sequence[torch.Tensor | None] | None

NO_MODULE = "is its class derived from nn.Module?"


def assert_module(value: Any, what: str = "the model") -> Proxy:
    """The value itself, if it is a module of torch. Raises CheckFailed if it is anything else.

    A worker's statements about a module earn no points. The module's values and its behaviour on hidden inputs do.
    """
    if not isinstance(value, Proxy):
        hint = "does the function return its result?" if value is None else NO_MODULE
        raise CheckFailed(f"{what} is {in_words(value)}, not an nn.Module", hint)
    if _ask(value, "describe", inputs=None) is None:
        raise CheckFailed(f"{what} is not an nn.Module", NO_MODULE)
    return value


def describe(model: Proxy, *inputs: torch.Tensor) -> ModuleFacts:
    """The parts of a module; with inputs, also the use of each weight in a forward pass, and `ModuleFacts.steps`.

    The pass is in evaluation mode, in the module's own dtype, and leaves no trace.

    Raises:
        CheckFailed: the value is no module.
        StudentError: its forward raised.
    """
    if not isinstance(model, Proxy):
        return describe(assert_module(model))
    answer = _ask(model, "describe", inputs=list(inputs) if inputs else None)
    if answer is None:
        raise CheckFailed("the model is not an nn.Module", NO_MODULE)
    return ModuleFacts.read(answer)


def executed(model: Proxy, *inputs: torch.Tensor) -> tuple[LayerRun, ...]:
    """The layers (modules without parts) that one forward pass calls, in that order. Raises like `describe`."""
    return describe(model, *inputs).steps


def keep(function: Proxy, *args: Any, **kwargs: Any) -> Proxy:
    """Call a function, and keep its result on the other side, also plain data. `fetch` brings it; `[0]` is a part."""
    kept = _ask(function, "keep", args=list(args), kwargs=kwargs)
    if not isinstance(kept, Proxy):
        raise ProtocolError("nothing was kept")
    return kept


def tensors(value: Proxy) -> tuple[TensorFacts, ...]:
    """Facts on all tensors in something kept, through lists, tuples and dicts: requires_grad, leaf, shape, dtype."""
    return TensorFacts.read_all(_ask(value, "describe_tensors"))


def draw_weights(rng: Draw, model: Proxy, *inputs: torch.Tensor, dtype: torch.dtype = torch.float64) -> Weights:
    """Values for all parameters and statistics of a module, drawn so that nothing vanishes or cancels.

    Args:
        model: the reference's.
        inputs: for a forward pass that shows the order of use.
    """
    slots = slots_of(describe(model, *inputs))
    return Weights(slots, tuple(draw_values(rng, slot, dtype) for slot in slots))


def read(model: Proxy, *inputs: torch.Tensor, like: Proxy | None = None) -> Weights:
    """A module's weights as they are, in its own order of use. From a submission: its values are untrusted.

    Args:
        like: another module, the reference's. The result then has its slots, in its order of use, and no further bias.

    Raises:
        CheckFailed: the module's parameters are not those of `like`.
    """
    facts = describe(model, *inputs)
    slots = taken = slots_of(facts)
    if like is not None:
        slots = slots_of(describe(like, *inputs))
        taken, _ = match(slots, facts, set_aside_biases=True)
    return Weights(slots, _values(_ask(model, "read_tensors"), taken))


def load(
    model: Proxy, weights: Weights, *inputs: torch.Tensor, set_aside_biases: bool = False
) -> tuple[TensorFacts, ...]:
    """Put weights into a module, in their dtype. Returns the module's own tensor for each slot of the weights.

    Args:
        inputs: for a forward pass that shows the order of use; without any, the order of definition counts.
        set_aside_biases: biases that are not in the weights become zero, and are no mistake here.

    Raises:
        CheckFailed: the module's parameters are not of these shapes and roles.
    """
    taken, aside = match(weights.slots, describe(model, *inputs), set_aside_biases=set_aside_biases)
    dtype = next((value.dtype for value in weights.values if value.is_floating_point()), torch.float32)
    values = {tensor.index: torch.zeros(tensor.shape, dtype=dtype) for tensor in aside}
    values |= {tensor.index: value for tensor, value in zip(taken, weights.values, strict=True)}
    _ask(model, "load_tensors", values=values)
    return taken


def saved(state: Mapping[Any, Any], model: Proxy, *inputs: torch.Tensor, like: Proxy) -> Weights:
    """Weights of a saved `state_dict`, in the order of use of another module, the reference's.

    Args:
        state: the content of a handed-in file; untrusted.
        model: of the class that the state was saved from; tells the role of each entry.

    Raises:
        CheckFailed: the state does not fit the module, or the module is not like `like`.
    """
    slots = slots_of(describe(like, *inputs))
    taken, _ = match(slots, describe(model, *inputs), set_aside_biases=True)
    values = [state.get(tensor.name) for tensor in taken]
    for slot, value in zip(slots, values, strict=True):
        if type(value) is not torch.Tensor or value.shape != slot.shape or not bool(value.isfinite().all()):
            raise CheckFailed("the saved weights do not fit the network in your file", "did either change since?")
    found = [value.to(torch.float32) if value.is_floating_point() else value for value in values if value is not None]
    return Weights(slots, tuple(found))


def spare_biases(model: Proxy, like: Proxy, *inputs: torch.Tensor) -> int:
    """The number of elements in biases that only the submission's module has; 0 if it differs in other ways, too."""
    try:
        _, aside = match(slots_of(describe(like, *inputs)), describe(model, *inputs), set_aside_biases=True)
    except CheckFailed:
        return 0
    return sum(prod(slot.shape) for slot in aside)


def run(
    model: Proxy,
    *inputs: torch.Tensor,
    weights: Weights | None = None,
    training: bool,
    upstream: Upstream = None,
    wrt: Sequence[int] | None = None,
    set_aside_biases: bool = False,
) -> Run:
    """Load weights, set the mode, call the module, and find gradients with respect to inputs and parameters.

    Args:
        set_aside_biases: as for `load`.
        weights: None leaves the module's own in place; then its own order of use counts.
        upstream: the gradient that arrives at the output, of its shape and dtype; None leaves gradients out. For a
            module that returns a tuple or list of tensors, a sequence with a gradient for each, or None for one that
            has no gradient: labels, or boxes that are detached.
        wrt: positions of the inputs that are differentiated; None for all. The rest, ground-truth boxes for example,
            go in as plain tensors that require no gradient.
    """
    if weights is None:
        slots = taken = slots_of(describe(model, *inputs))
    else:
        slots, taken = weights.slots, load(model, weights, *inputs, set_aside_biases=set_aside_biases)
    return _differentiate(model, inputs, {}, upstream, training, wrt, slots, taken)


def differentiate(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
    *,
    upstream: Upstream = None,
    wrt: Sequence[int] | None = None,
) -> Run:
    """Call a function of tensors, and find the gradient for every floating tensor in `args`, also inside of lists.

    Args:
        upstream, wrt: as for `run`.

    Raises:
        CheckFailed: the call wrote to one of its inputs, or an output has another shape than its upstream gradient, so
            that there are no gradients.
    """
    assert isinstance(function, Proxy)
    run = _differentiate(function, args, kwargs or {}, upstream, None, wrt)
    if run.asked and any(run.changed):
        hint = "an in-place operation (x[mask] = 0, x += 1, x.clamp_()) must not change an input; work on a copy"
        raise CheckFailed("an input was changed by the call", hint)
    made = [value for value in leaves(run.output) if type(value) is torch.Tensor]
    arriving = _arriving(upstream)
    if len(made) == len(arriving):
        for value, arrived in zip(made, arriving, strict=True):
            if arrived is not None:
                assert_shape(value, arrived.shape)
    return run


def optimizer(value: Proxy, model: Proxy) -> OptimizerFacts:
    """An optimizer's class, its settings, and the parameters of a module that it holds.

    Raises:
        CheckFailed: the value is no optimizer.
    """
    answer = _ask(value, "optimizer", model=model) if isinstance(value, Proxy) else None
    if answer is None:
        raise CheckFailed("the optimizer is not one of torch.optim")
    return OptimizerFacts.read(answer)


def assert_optimizer(value: Proxy, model: Proxy, kind: str, **settings: Any) -> None:
    """Fail unless an optimizer is of this class of torch.optim, has these settings, and holds the module's parameters.

    This relies on the worker's statements. So check the behaviour too (`step`), or a false statement earns points.
    A failure names the wanted settings: give only those that the task itself prescribes.
    """
    facts = optimizer(value, model)
    if facts.kind != kind:
        raise CheckFailed(f"the optimizer is not of the class torch.optim.{kind}")
    assert_holds(value, model)
    for group in facts.groups:
        for name, setting in settings.items():
            found = group.settings.get(name)
            if type(found) not in (bool, int, float, tuple) or found != setting:
                raise CheckFailed(f"the optimizer's {name} is not {setting}")


def assert_holds(value: Proxy, model: Proxy) -> None:
    """Fail unless an optimizer reports all of a module's parameters, and no others."""
    facts = optimizer(value, model)
    held = [index for group in facts.groups for index in group.parameters]
    wanted = {tensor.index for tensor in describe(model).parameters}
    if set(held) != wanted:
        strange, left = len([index for index in held if index not in wanted]), len(wanted - set(held))
        message = f"the optimizer leaves out {left} of the model's {len(wanted)} parameters, and holds {strange} others"
        raise CheckFailed(message, "pass it model.parameters() of the model that you return")


def step(
    model: Proxy,
    optimizer: Proxy,
    weights: Weights,
    gradients: Sequence[Sequence[torch.Tensor]],
    *inputs: torch.Tensor,
) -> tuple[tuple[Any, ...], ...]:
    """Load weights, then let an optimizer step once for each list of gradients.

    Args:
        gradients: per step, one per parameter, in the order of `weights.parameters`.
        inputs: as for `load`.

    Returns:
        The parameters after each step, in the same order.
    """
    taken = [tensor for tensor in load(model, weights, *inputs, set_aside_biases=True) if not tensor.buffer]
    after = []
    for arrived in gradients:
        given = {tensor.index: gradient for tensor, gradient in zip(taken, arrived, strict=True)}
        after.append(_values(_ask(optimizer, "step", model=model, gradients=given), taken))
    return tuple(after)


def _differentiate(
    function: Proxy,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    upstream: Upstream,
    training: bool | None,
    wrt: Sequence[int] | None,
    slots: Sequence[TensorFacts] = (),
    taken: Sequence[TensorFacts] = (),
) -> Run:
    arriving = _arriving(upstream)
    places = None if wrt is None else list(wrt)
    if places is not None and not set(places) <= set(range(len(args))):
        raise GraderError(f"wrt is {places}, and there are {len(args)} inputs")
    payload = {"args": list(args), "kwargs": dict(kwargs), "upstream": arriving, "training": training, "wrt": places}
    return read_run(_ask(function, "differentiate", **payload), arriving, slots, taken)


def _arriving(upstream: Upstream) -> list[torch.Tensor | None]:
    return [upstream] if isinstance(upstream, torch.Tensor) else list(upstream or ())


def _ask(proxy: Proxy, op: str, **payload: Any) -> Any:
    return proxy._request(op, target=proxy._ref, **{name: proxy._send(value) for name, value in payload.items()})


def _values(answer: Any, slots: Sequence[TensorFacts]) -> tuple[Any, ...]:
    """The values in an answer, one for each of a module's tensors."""
    if type(answer) is not list or any(slot.index >= len(answer) for slot in slots):
        raise ProtocolError("fewer values than were described")
    values = tuple(answer[slot.index] for slot in slots)
    for value, slot in zip(values, slots, strict=True):
        if type(value) is not torch.Tensor or value.shape != slot.shape:
            raise ProtocolError("other values than were described")
    return values
