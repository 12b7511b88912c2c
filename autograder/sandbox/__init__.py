"""Runs a submission's code where it can do no harm, and brings back plain data.

    worker/     the untrusted side: beside a submission, in a confined process
    grader/     the trusted side: starts workers, asks them, and believes nothing that they say
    channel/    what both sides speak
    session/    operations on live objects: in a worker, or here on the reference
    isolation/  what confines a worker

`worker` and `grader` never import each other. Beside them stand what checks see (`proxy`, `plan`, `local`) and
`doctor`, which sends `probes` into a worker.

Names are imported when first used: the zygote enters its view before torch is imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.sandbox.doctor import Report, diagnose
    from autograder.sandbox.grader.client import Sandbox
    from autograder.sandbox.grader.package import Package
    from autograder.sandbox.grader.remote import Worker
    from autograder.sandbox.local import LocalChannel
    from autograder.sandbox.proxy import Channel, Proxy

__all__ = ["Channel", "LocalChannel", "Package", "Proxy", "Report", "Sandbox", "Worker", "diagnose"]

_HOMES = {
    "grader.client": ("Sandbox",),
    "doctor": ("Report", "diagnose"),
    "local": ("LocalChannel",),
    "grader.package": ("Package",),
    "proxy": ("Channel", "Proxy"),
    "grader.remote": ("Worker",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
