"""What a check says: names for people who write checks.

A check is a pytest test with the fixtures `student`, `reference`, `rng` and `memo`, and the marker `question`; see
`autograder.checks.plugin`. Names are fetched when they are first asked for: pytest loads the plugin, and with it this
package, in every run of an environment, and must not pay for torch where no check runs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.checks import contracts, modules
    from autograder.checks.compare import assert_matches, plain_tensor, unpack
    from autograder.checks.draw import Draw
    from autograder.checks.gradients import central_differences, oracle_gradients
    from autograder.checks.timing.pace import assert_pace
    from autograder.checks.training import accuracy, assert_accuracy, scores_of
    from autograder.errors import CheckFailed, StudentError
    from autograder.sandbox.proxy import Proxy, artifact, assign, call_and_fetch, fetch, patient, place

__all__ = [
    "CheckFailed",
    "Draw",
    "Proxy",
    "StudentError",
    "accuracy",
    "artifact",
    "assert_accuracy",
    "assert_matches",
    "assert_pace",
    "assign",
    "call_and_fetch",
    "central_differences",
    "contracts",
    "fetch",
    "modules",
    "oracle_gradients",
    "patient",
    "place",
    "plain_tensor",
    "scores_of",
    "unpack",
]

HOMES = {
    "autograder.checks.compare": ("assert_matches", "plain_tensor", "unpack"),
    "autograder.checks.draw": ("Draw",),
    "autograder.checks.gradients": ("central_differences", "oracle_gradients"),
    "autograder.checks.timing.pace": ("assert_pace",),
    "autograder.checks.training": ("accuracy", "assert_accuracy", "scores_of"),
    "autograder.errors": ("CheckFailed", "StudentError"),
    "autograder.sandbox.proxy": ("Proxy", "artifact", "assign", "call_and_fetch", "fetch", "patient", "place"),
}


def __getattr__(name: str) -> Any:
    if name in ("contracts", "modules"):
        return import_module(f"{__name__}.{name}")
    for home, names in HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
