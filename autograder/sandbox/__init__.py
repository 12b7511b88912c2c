"""Runs a submission's code where it can do no harm, and brings back plain data.

Names are imported when first used: the zygote enters its view before torch is imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.sandbox.client import Sandbox
    from autograder.sandbox.doctor import Report, diagnose
    from autograder.sandbox.local import LocalChannel
    from autograder.sandbox.package import Package
    from autograder.sandbox.proxy import Channel, Proxy
    from autograder.sandbox.remote import Worker

__all__ = ["Channel", "LocalChannel", "Package", "Proxy", "Report", "Sandbox", "Worker", "diagnose"]

_HOMES = {
    "client": ("Sandbox",),
    "doctor": ("Report", "diagnose"),
    "local": ("LocalChannel",),
    "package": ("Package",),
    "proxy": ("Channel", "Proxy"),
    "remote": ("Worker",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
