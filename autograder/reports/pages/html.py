"""Renders every page with Jinja: autoescape is on, stylesheet and script are inlined, nothing comes from a network.

Each page has its own content security policy: no request of any kind, and no script but the one whose digest it names.
So even text that escaped the escaping could do nothing.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from autograder.gradebook.wording import elapsed
from autograder.reports import text
from autograder.reports.pages.legend import LEGEND, PARTLY
from autograder.rounding import number

__all__ = ["policy", "render"]

OWN = "autograder.reports.pages"


def render(template: str, *, script: str = "", package: str = OWN, allow: str = "", **values: Any) -> str:
    """The page from `templates/<template>` and `values`.

    Args:
        script: names of the scripts that it may run, separated by spaces.
        package: the package with the templates; templates of reports are searched second.
        allow: further directives of the content security policy.
    """
    return (
        _environment(package)
        .get_template(template)
        .render(
            stylesheet=Markup(_source(OWN, "style.css")),  # our own text; escaping would break it
            script=Markup(_code(script, package)),
            policy=policy(script, package, allow),
            **values,
        )
    )


def policy(script: str = "", package: str = OWN, allow: str = "") -> str:
    """The content security policy of such a page: no request, no script but these, and the directives in `allow`."""
    code = _code(script, package)
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    allowed = f"'sha256-{digest}'" if code else "'none'"
    return "; ".join(filter(None, ("default-src 'none'", "style-src 'unsafe-inline'", f"script-src {allowed}", allow)))


def _code(script: str, package: str) -> str:
    return "".join(_source(package, name) for name in script.split())


@cache
def _environment(package: str) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in dict.fromkeys((package, OWN))]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "line": text.line,
        "block": text.block,
        "number": number,
        "when": text.when,
        "elapsed": elapsed,
        "address": lambda name: quote(name, safe="", errors="replace"),
    }
    environment.globals |= {"percent": text.percent, "LEGEND": LEGEND, "PARTLY": PARTLY}
    return environment


@cache
def _source(package: str, name: str) -> str:
    environment = _environment(package)
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]
