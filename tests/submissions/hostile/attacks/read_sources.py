"""Attack 4: asks linecache, inspect and the traceback for the lines of the check that calls. There are none here."""

import inspect
import linecache
import sys
import traceback

from leak import give_away, give_away_if_secret
from wrong import *  # noqa: F403


def scale(x):
    for step in inspect.stack():
        give_away_if_secret("".join(linecache.getlines(step.filename)), step.filename)
        if "test_" in step.function or "hidden" in step.filename:
            give_away(f"{step.function} in {step.filename}")
    give_away_if_secret("".join(traceback.format_stack()), "stack")
    for name in sorted(sys.modules):
        if name.startswith(
            ("tests", "test_", "solutions", "_pytest", "autograder.grading", "autograder.checks.harness.desk")
        ):
            give_away(f"module {name} is imported")
    for name, module in list(sys.modules.items()):
        try:
            give_away_if_secret(inspect.getsource(module) if "wrong" not in name else "", name)
        except (OSError, TypeError):
            continue
        if name > "b":  # enough: the rest is torch
            break
    return 3 * x.abs()
