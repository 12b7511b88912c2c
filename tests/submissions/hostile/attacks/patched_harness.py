"""Attack 14: replaces the parts of the harness that share its process: they can say what they like, it is compared."""

import sys

import torch
from wrong import *  # noqa: F403

session = sys.modules["autograder.sandbox.session.operations"]
errors = sys.modules["autograder.errors"]
guards = sys.modules["autograder.sandbox.worker.guards"]


def perform(self, op, payload):
    return torch.zeros(3, 4, dtype=torch.float64) if op == "call" else True


session.Session.perform = perform
guards.Guard.used = lambda self, own: []
for name in errors.__all__:
    setattr(errors, name, type(name, (BaseException,), {}))
