"""notebook.html: an executed notebook as a page that can be opened from anywhere and does nothing."""

from __future__ import annotations

import os
import resource
import select
import signal
import time
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import escape

from autograder.submission.markup import inert_html

__all__ = ["render_notebook", "warm_up", "within"]

SECONDS, MEMORY = 60.0, 1 << 30
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
# Every cell under its number, which results name it by; nbconvert's own template shows the count of the run.
TEMPLATE = """
{%- extends 'basic/index.html.j2' -%}
{% block in_prompt scoped %}<div class="prompt" id="cell-{{ cell.metadata.number }}">
cell {{ cell.metadata.number }}</div>{% endblock %}
{% block empty_in_prompt %}{% endblock %}
{% block output_area_prompt %}{% endblock %}
{% block data_latex %}<pre>{{ output.data['text/latex'] | e }}</pre>{% endblock %}
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
<header><h1>{title}</h1><p>{summary}</p></header>
<main>
{body}
</main>
</body>
</html>
"""


def render_notebook(notebook: dict[str, Any], title: str, summary: str) -> str:
    """The page, whatever the notebook holds; where it takes too long to lay out, the page says so.

    Args:
        notebook: as nbformat has it, with `metadata.number` in each cell.
    """
    try:
        body = within(SECONDS, lambda: _body(notebook))
    except (TimeoutError, RuntimeError) as error:
        body = f"<p>The cells cannot be shown: {escape(str(error))}.</p>"
    style = files("autograder.grading").joinpath("notebook.css").read_text(encoding="utf-8")
    return PAGE.format(policy=POLICY, title=escape(title), summary=escape(summary), style=style, body=body)


def warm_up() -> None:
    """Import and compile what pages are made with, for all forks of this process."""
    common = {"metadata": {"number": 1}, "source": "`x`"}
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
    return exporter


def within(seconds: float, make: Callable[[], str]) -> str:
    """What `make` returns, made in a process of its own: text can be such that laying it out takes for ever.

    Raises TimeoutError, or RuntimeError where it raised or took too much memory.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _make(writer, make)
    os.close(writer)
    try:
        with os.fdopen(reader, "rb", buffering=0) as pipe:
            said = _read(pipe.fileno(), time.monotonic() + seconds)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not said.startswith(b"+"):
        raise RuntimeError(said[1:].decode(errors="replace")[:200] or "it takes too much memory")
    return said[1:].decode()


def _make(writer: int, make: Callable[[], str]) -> None:
    """In the child. Never returns."""
    try:
        with open("/proc/self/statm") as file:
            mapped = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY, mapped + MEMORY))
        said = b"+" + make().encode("utf-8", "replace")
    except BaseException as error:
        said = b"-" + type(error).__name__.encode()
    try:
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(said)
    finally:
        os._exit(0)


def _read(pipe: int, deadline: float) -> bytes:
    chunks: list[bytes] = []
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            raise TimeoutError("it takes too long")
        chunk = os.read(pipe, 1 << 16)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
