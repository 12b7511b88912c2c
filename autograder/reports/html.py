"""One Jinja environment for every page: autoescape on, stylesheet and script inlined, nothing from a network.

Each page carries a content security policy of its own: no request of any kind, and no script but the one whose digest
it names. Text that slipped through the escaping would still do nothing.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from autograder.reports import text
from autograder.reports.legend import LEGEND

__all__ = ["render"]


def render(template: str, *, script: str = "", **values: Any) -> str:
    """The page that `templates/<template>` makes of `values`; `script` names the one script it may run."""
    environment = _environment()
    code = _source(script) if script else ""
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    allowed = f"'sha256-{digest}'" if code else "'none'"
    return environment.get_template(template).render(
        stylesheet=Markup(_source("style.css")),  # ours, and inert to the escaping it would otherwise suffer
        script=Markup(code),
        policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src {allowed}",
        **values,
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("autograder.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "line": text.line,
        "block": text.block,
        "number": text.number,
        "when": text.when,
        "address": lambda name: quote(name, safe="", errors="replace"),
    }
    environment.globals |= {"percent": text.percent, "LEGEND": LEGEND}
    return environment


@cache
def _source(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]
