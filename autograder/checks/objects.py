"""Names for checks that work with objects on the other side, and the exceptions of calls on them."""

from autograder.errors import CheckFailed, DataNeeded, SandboxError, StudentError
from autograder.sandbox.proxy import Proxy, artifact, assign, call_and_fetch, fetch, load_artifact, patient, place

__all__ = [
    "CheckFailed",
    "DataNeeded",
    "Proxy",
    "SandboxError",
    "StudentError",
    "artifact",
    "assign",
    "call_and_fetch",
    "fetch",
    "load_artifact",
    "patient",
    "place",
]
