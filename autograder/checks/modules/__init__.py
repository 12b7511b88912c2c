"""Grades modules: asks the other side for facts, loads weights, runs, and compares two runs. It builds no module.

    weights = modules.draw_weights(rng, trusted, x)
    theirs = modules.run(model, x, weights=weights, training=True, upstream=upstream)
    wanted = modules.run(trusted, x, weights=weights, training=True, upstream=upstream)
    modules.assert_same_run(theirs, wanted, what="the block")

`model` is a proxy of a submission's module, `trusted` of the reference's; both go through the same operations.
`weights` explains how the weights of one module are matched with those of the other. Failures name parameters by number
in the order of use, role, layer and shape, never by a name that a submission chose.
"""

from autograder.checks.modules.api import (
    LayerRun,
    Run,
    Upstream,
    Weights,
    assert_holds,
    assert_module,
    assert_optimizer,
    assert_same_run,
    describe,
    differentiate,
    draw_weights,
    executed,
    keep,
    load,
    optimizer,
    read,
    run,
    saved,
    spare_biases,
    step,
    tensors,
)

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
