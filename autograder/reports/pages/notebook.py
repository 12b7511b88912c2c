"""notebook.html: an executed notebook as an inert page, which can be opened from any place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import escape

from autograder.reports.bounded import bounded
from autograder.reports.pages.formulas import typeset_output
from autograder.reports.pages.inert import inert_html, markdown

__all__ = ["render_notebook", "warm_up"]

SECONDS = 60.0
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
# Every cell has its number in front, as results name it; nbconvert's own template shows the count of the run.
TEMPLATE = """
{%- extends 'basic/index.html.j2' -%}
{% block in_prompt scoped %}<div class="prompt" id="cell-{{ cell.metadata.number }}">
cell {{ cell.metadata.number }}</div>{% endblock %}
{% block empty_in_prompt %}{% endblock %}
{% block output_area_prompt %}{% endblock %}
{% block data_latex %}<div class="output_subarea">{{ output.data['text/latex'] | typeset }}</div>{% endblock %}
"""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<header><nav><a href="report.html">Report</a> <a href="../index.html">Class</a></nav>
<h1>{title}</h1><p>{summary}</p>{raised}</header>
<main>
{body}
</main>
</body>
</html>
"""


def render_notebook(notebook: dict[str, Any], title: str, summary: str, raised: Sequence[int] = ()) -> str:
    """The page, for any content of the notebook. If the layout takes too long, the page says so.

    Args:
        notebook: as nbformat has it, with `metadata.number` in each cell.
        raised: numbers of the cells that raised; the page links to them.
    """
    try:
        body = bounded(SECONDS, lambda: _body(notebook))
    except (TimeoutError, RuntimeError) as error:
        body = f"<p>The cells cannot be shown: {escape(str(error))}.</p>"
    style = files("autograder.reports.pages").joinpath("templates", "notebook.css").read_text(encoding="utf-8")
    return PAGE.format(
        policy=POLICY, title=escape(title), summary=escape(summary), raised=_jumps(raised), style=style, body=body
    )


def _jumps(raised: Sequence[int]) -> str:
    if not raised:
        return ""
    links = " ".join(f'<a href="#cell-{number}">{number}</a>' for number in raised)
    return f'<p class="raised">Cells that raised: {links}</p>'


def warm_up() -> None:
    """Import and compile everything that pages need, for all forks of this process."""
    common = {"metadata": {"number": 1}, "source": "`x` $x$"}
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "a", **common},
        {"cell_type": "code", "id": "b", "outputs": [], "execution_count": None, **common},
    ]
    _body({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def _body(notebook: dict[str, Any]) -> str:
    from nbformat import from_dict

    body, _ = _exporter().from_notebook_node(from_dict(notebook))  # type: ignore[no-untyped-call]
    return str(body)


@cache
def _exporter() -> Any:
    from nbconvert import HTMLExporter

    exporter: Any = HTMLExporter(  # type: ignore[no-untyped-call]
        raw_template=TEMPLATE, template_name="basic", sanitize_html=True, exclude_anchor_links=True, embed_images=False
    )
    exporter.register_filter("clean_html", inert_html)
    exporter.register_filter("markdown2html", markdown)
    exporter.register_filter("typeset", typeset_output)
    return exporter
