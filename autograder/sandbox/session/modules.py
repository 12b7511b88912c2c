"""Reads live modules and optimizers in the submission's process: layers, weights, gradients, settings.

All results are plain data. A tensor of a module is identified by its index in the order of definition. A submission may
override every method, so torch's entries in a module's dictionary are read directly. The facts on a module only serve
to find its weights; outputs and gradients are compared elsewhere. This module imports nothing of the grader's side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from autograder.sandbox.channel.tree import mapped
from autograder.sandbox.session.observer import Observer, as_found, flat

__all__ = ["describe", "describe_tensors", "differentiate", "load", "load_state", "optimizer", "read", "step"]

is_lazy = torch.nn.parameter.is_lazy
Module = torch.nn.Module
Tensor = torch.Tensor

MAX_LAYERS = 2_000
MAX_TENSORS = 5_000
MAX_SETTINGS = 40
MAX_TEXT = 200
NUMBERS = (type(None), bool, int, float)
NORMS = (torch.nn.modules.batchnorm._NormBase, torch.nn.LayerNorm, torch.nn.GroupNorm)
NORM_ROLES = {"weight": "scale", "bias": "shift"}
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def describe(model: Any, inputs: Sequence[Any] | None) -> dict[str, Any] | None:
    """The layers and tensors of a module, or None if `model` is no module.

    With inputs, also the layers that one forward pass runs, in evaluation mode and without gradients. The pass leaves
    the module unchanged. Lazy layers get their parameters in a pass before; until then, these have no elements.
    """
    if not issubclass(type(model), Module):
        return None
    modules = list(_walk(model))
    if inputs is not None:
        _make_lazy_ones(model, modules, inputs)
    leaves = [(name, module) for name, module in modules if not _part(module, "_modules")]
    tensors = list(_tensors(model))
    observer = Observer([tensor for _, _, tensor, _ in tensors], [module for _, module in leaves])
    if inputs is not None:
        with as_found([module for _, module in modules]):
            observer.run(model, _as_float_of(tensors, inputs))
    return {
        "name": "",
        **_kind(model),
        "training": bool(vars(model).get("training")),
        "children": [{"name": _text(name), **_kind(child)} for name, child in _part(model, "_modules").items()],
        "layers": [{"name": _text(name), **_kind(leaf), "settings": _settings(leaf)} for name, leaf in leaves],
        "tensors": [
            {
                "name": _text(name),
                "buffer": buffer,
                **_facts(tensor),
                "owner": _kind(owner)["kind"],
                "role": _role(owner, name.rpartition(".")[2]) or observer.roles[index],
                "depth": observer.depths[index],
                "order": observer.order[index],
            }
            for index, (name, owner, tensor, buffer) in enumerate(tensors)
        ],
        "steps": observer.steps,
    }


def describe_tensors(value: Any) -> list[dict[str, Any]]:
    """Facts on each tensor in a value, including those in lists, tuples and dicts."""
    return [_facts(tensor) for tensor in flat(value)]


def read(model: Module) -> list[Tensor]:
    """The values of all parameters and buffers."""
    return [tensor.detach() for _, _, tensor, _ in _tensors(model)]


def load(model: Module, values: Mapping[int, Tensor]) -> None:
    """Set parameters and buffers by index, in place. The model's other tensors are converted to the same dtype."""
    dtype = next((value.dtype for value in values.values() if value.is_floating_point()), None)
    for index, (_, _, tensor, _) in enumerate(_tensors(model)):
        tensor.grad = None
        if index in values:
            tensor.data = values[index]
        elif tensor.is_floating_point() and dtype is not None:
            tensor.data = tensor.data.to(dtype)


def load_state(model: Any, state: Any) -> list[int] | None:
    """Load a state dict strictly. Its floating tensors are converted to the dtypes of the module.

    Returns:
        The counts of missing and unexpected entries, and of entries of a wrong shape. Nothing is loaded unless all are
        0. None if `state` is no dict of tensors.

    Raises:
        TypeError: `model` is no module.
    """
    if not issubclass(type(model), Module):
        raise TypeError("not an nn.Module")
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        return None
    own = Module.state_dict(model)
    shared = own.keys() & state.keys()
    misfits = [name for name in shared if own[name].shape != state[name].shape]
    counts = [len(own.keys() - shared), len(state.keys() - shared), len(misfits)]
    if not any(counts):
        Module.load_state_dict(model, {name: state[name].to(value.dtype) for name, value in own.items()})
    return counts


def differentiate(
    function: Any,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    upstream: Sequence[Tensor | None],
    training: bool | None,
    wrt: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Call a function or module, and compute the gradients of the sum of all outputs times their upstream gradients.

    A differentiated floating input requires a gradient but is no leaf, so that an in-place write to it does not raise
    and can be detected.

    Args:
        upstream: the upstream gradient of each tensor in the output, in order, which is converted to the tensor's
            dtype; None for a tensor without one. Empty for no gradients.
        wrt: positions in `args` of the differentiated inputs; None for all. Other inputs are plain tensors.

    Returns:
        "output"; "attached": for each tensor in the output, True if it has a graph; "inputs": the gradient, or None, of
        each tensor in args; "changed": True if the call wrote to it; "tensors": by index, a parameter's gradient or
        None, or a buffer's value afterwards. If an input was changed, there are no gradients.
    """
    is_module = issubclass(type(function), Module)
    tensors = list(_tensors(function)) if is_module else []
    if is_module and training is not None:
        function.train(training)
    differentiated = range(len(args)) if wrt is None else wrt
    leaves = [_leaf(tensor, place in differentiated) for place, arg in enumerate(args) for tensor in flat(arg)]
    supply = iter(leaves)
    given = _mapped(args, lambda tensor: next(supply).clone())
    passed = list(flat(given))
    output = function(*given, **kwargs)
    parameters = [tensor for _, _, tensor, buffer in tensors if not buffer]
    # The buffers right after the call: with checkpointing, the backward pass runs parts of the module again.
    now = {name: tensor.clone() for name, _, tensor, buffer in _tensors(function) if buffer} if is_module else {}
    outputs = _in_form_of(upstream, list(flat(output)))
    changed = [not _same(before, after) for before, after in zip(leaves, passed, strict=True)]
    gradients: list[Tensor | None] = [None] * (len(leaves) + len(parameters))
    # Autograd may raise after an in-place write. The report of the write is the better message.
    pairs = [(made, arrives) for made, arrives in zip(outputs, upstream, strict=False) if arrives is not None]
    if pairs and all(made.requires_grad and _alike(made, arrives) for made, arrives in pairs) and not any(changed):
        gradients = _gradients([(made, arrives.to(made.dtype)) for made, arrives in pairs], [*leaves, *parameters])
    arrived = iter(gradients[len(leaves) :])
    return {
        "output": output,
        "attached": [made.requires_grad for made in outputs],
        "inputs": gradients[: len(leaves)],
        "changed": changed,
        "tensors": [now.get(name) if buffer else next(arrived) for name, _, _, buffer in tensors],
    }


def optimizer(value: Any, model: Any) -> dict[str, Any] | None:
    """An optimizer's class, settings, and parameters by index in `model` (-1: not in it); None for other objects."""
    if not issubclass(type(value), torch.optim.Optimizer):
        return None
    places = {id(tensor): index for index, (_, _, tensor, _) in enumerate(_tensors(model))}
    groups = [
        {
            "settings": _plain_items({name: item for name, item in group.items() if name != "params"}),
            "parameters": [places.get(id(tensor), -1) for tensor in group["params"]],
        }
        for group in vars(value)["param_groups"]
    ]
    name = type(value).__name__
    return {"kind": name if vars(torch.optim).get(name) is type(value) else "", "groups": groups}


def step(value: Any, model: Module, gradients: Mapping[int, Tensor]) -> list[Tensor]:
    """Set the gradients of the model's parameters, make one step of the optimizer, and return all values after it."""
    for index, (_, _, tensor, _) in enumerate(_tensors(model)):
        tensor.grad = gradients.get(index)
    value.step()
    return read(model)


def _walk(model: Module) -> Iterator[tuple[str, Module]]:
    """Each module once, with its dotted name, in the order of definition."""
    seen: set[int] = set()
    ahead = [("", model)]
    while ahead:
        name, module = ahead.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        if len(seen) > MAX_LAYERS:
            raise ValueError(f"more than {MAX_LAYERS} modules")
        yield name, module
        prefix = f"{name}." if name else ""
        ahead += reversed([(f"{prefix}{child}", part) for child, part in _part(module, "_modules").items()])


def _tensors(model: Module) -> Iterator[tuple[str, Module, Tensor, bool]]:
    """Name, owner, tensor, and True for a buffer, of each parameter and buffer. A shared one appears once."""
    seen: set[int] = set()
    for prefix, module in _walk(model):
        for part, buffer in (("_parameters", False), ("_buffers", True)):
            for name, tensor in _part(module, part).items():
                if id(tensor) in seen:
                    continue
                seen.add(id(tensor))
                if len(seen) > MAX_TENSORS:
                    raise ValueError(f"more than {MAX_TENSORS} parameters and buffers")
                yield f"{prefix}.{name}" if prefix else name, module, tensor, buffer


def _part(module: Module, part: str) -> dict[str, Any]:
    """The children, parameters or buffers in a module's dictionary, without those that are None."""
    return {name: value for name, value in vars(module).get(part, {}).items() if value is not None}


def _kind(module: Module) -> dict[str, Any]:
    """Facts on the class: its name if it is torch's, else ""; its torch base classes, nearest first; its own name."""
    ancestors = [kind.__name__ for kind in type(module).__mro__ if vars(torch.nn).get(kind.__name__) is kind]
    own = vars(torch.nn).get(type(module).__name__) is type(module)
    return {"kind": ancestors[0] if own else "", "bases": ancestors, "class": _text(type(module).__name__)}


def _settings(leaf: Module) -> dict[str, Any]:
    """The public plain attributes of a torch layer or of a class derived from one: kernel_size, stride, eps, …"""
    if _kind(leaf)["bases"] == ["Module"]:
        return {}
    found = {name: value for name, value in vars(leaf).items() if not name.startswith("_") and name != "training"}
    parameters = vars(leaf).get("_parameters", {})
    has = {name: parameters[name] is not None for name in ("bias",) if name in parameters}
    return {**_plain_items(found), **has}


def _plain_items(items: Mapping[Any, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in items.items() if type(name) is str and _is_plain(value)}
    return dict(list(plain.items())[:MAX_SETTINGS])


def _is_plain(value: Any) -> bool:
    if type(value) is tuple:
        return len(value) <= MAX_SETTINGS and all(type(item) in NUMBERS for item in value)
    return type(value) in NUMBERS or (type(value) is str and len(value) <= MAX_TEXT)


def _facts(tensor: Tensor) -> dict[str, Any]:
    return {
        "shape": [0] if is_lazy(tensor) else list(tensor.shape),
        "dtype": tensor.dtype,
        "requires_grad": tensor.requires_grad,
        "leaf": tensor.is_leaf,
    }


def _role(owner: Module, name: str) -> str:
    """The role of a tensor in its layer, if the layer's class determines it."""
    if name in STATISTICS:
        return name
    if issubclass(type(owner), NORMS):
        return NORM_ROLES.get(name, "")
    derived = _kind(owner)["bases"] != ["Module"]
    return name if derived and name in ("weight", "bias") else ""


def _make_lazy_ones(model: Module, modules: Sequence[tuple[str, Module]], inputs: Sequence[Any]) -> None:
    """Initialize lazy layers by one forward pass in evaluation mode, if there are any."""
    tensors = list(_tensors(model))
    if not any(is_lazy(tensor) for _, _, tensor, _ in tensors):
        return
    modes = [vars(module).get("training") for _, module in modules]
    for _, module in modules:
        vars(module)["training"] = False
    with torch.no_grad():
        model(*_as_float_of(tensors, inputs))
    for (_, module), mode in zip(modules, modes, strict=True):
        vars(module)["training"] = mode


def _leaf(tensor: Tensor, differentiated: bool) -> Tensor:
    copy = tensor.detach().clone()
    return copy.requires_grad_() if differentiated and copy.is_floating_point() else copy


def _same(before: Tensor, after: Tensor) -> bool:
    """True if two tensors hold the same values. NaN equals NaN: uninitialized memory often holds it."""
    if torch.equal(before, after):
        return True
    return before.shape == after.shape and bool(((before == after) | (before.isnan() & after.isnan())).all())


def _in_form_of(upstream: Sequence[Tensor | None], outputs: list[Tensor]) -> list[Tensor]:
    """The outputs as many as the upstream gradients: the parts of a tensor that stands for a tuple, and the reverse.

    `first, second = torch.stack([a, b])` unpacks like `first, second = a, b`.
    """
    if len(outputs) == 1 and len(upstream) > 1 and outputs[0].dim() and len(outputs[0]) == len(upstream):
        return list(outputs[0].unbind())
    only = upstream[0] if len(upstream) == 1 else None
    if only is not None and only.dim() and [made.shape for made in outputs] == len(only) * [only.shape[1:]]:
        return [torch.stack(outputs)]
    return outputs


def _alike(tensor: Tensor, other: Tensor) -> bool:
    """True if `other` can be the gradient of `tensor`, perhaps in another floating dtype."""
    return tensor.shape == other.shape and tensor.is_floating_point() and other.is_floating_point()


def _gradients(pairs: Sequence[tuple[Tensor, Tensor]], tensors: Sequence[Tensor]) -> list[Tensor | None]:
    """The gradient of each tensor, or None, from pairs of an output and its upstream gradient."""
    wanted = [tensor for tensor in tensors if tensor.requires_grad]
    outputs, upstream = zip(*pairs, strict=True)
    found = iter(torch.autograd.grad(outputs, wanted, upstream, allow_unused=True) if wanted else ())
    return [next(found) if tensor.requires_grad else None for tensor in tensors]


def _as_float_of(tensors: Sequence[tuple[str, Module, Tensor, bool]], inputs: Sequence[Any]) -> Any:
    """The inputs in the dtype of the first floating parameter."""
    dtype = next((tensor.dtype for _, _, tensor, _ in tensors if tensor.is_floating_point()), None)
    return _mapped(inputs, lambda tensor: tensor.to(dtype) if dtype and tensor.is_floating_point() else tensor)


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A copy of a nested value with each tensor replaced."""
    return mapped(value, lambda leaf: change(leaf) if isinstance(leaf, Tensor) else leaf)


def _text(name: str) -> str:
    return str(name)[:MAX_TEXT]
