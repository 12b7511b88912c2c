"""A notebook's page shows what was put out, and nothing in it runs, loads or pretends; laying it out is bounded."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from autograder.reports.bounded import bounded
from autograder.reports.pages import notebook as notebookpage
from autograder.reports.pages.notebook import render_notebook, warm_up
from tests.autograder.submission.test_markup import HOSTILE, dangers

CLASS = re.compile(r"output|(output|rendered)_\w+")


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    warm_up()  # as before grading: what is imported in each fork takes seconds each time


def cell(number: int, kind: str, source: str, outputs: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    shown = {"cell_type": kind, "id": f"n{number}", "metadata": {"number": number}, "source": source}
    return shown | ({"outputs": outputs or [], "execution_count": number} if kind == "code" else {})


def page_of(*cells: dict[str, Any]) -> str:
    return render_notebook({"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, "kim", "ran")


def body_of(page: str) -> str:
    """What comes of the notebook; around it stand our own head and style."""
    return page.partition("<main>")[2].partition("</main>")[0]


def displayed(**data: str) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": data}


def test_a_hostile_notebook_makes_an_inert_page() -> None:
    cells = []
    for text in HOSTILE:
        outputs = [
            {"output_type": "stream", "name": "stdout", "text": text},
            displayed(**{"text/html": text}),
            displayed(**{"text/markdown": text}),
            displayed(**{"text/latex": text}),
            displayed(**{"text/plain": text}),
            {"output_type": "error", "ename": text, "evalue": text, "traceback": [text, f"\x1b[31m{text}\x1b[0m"]},
        ]
        for kind in ("code", "markdown", "raw"):
            cells.append(cell(len(cells) + 1, kind, text, outputs))
    page = page_of(*cells)
    assert [found for found in dangers(body_of(page)) if not ours(found)] == []
    assert "The cells cannot be shown" not in page
    assert 'content="default-src &#39;none&#39;' in page or "content=\"default-src 'none'" in page
    assert "script-src" not in page  # default-src is for scripts too


def ours(found: str) -> bool:
    """What nbconvert's template puts around cells; in text that went through `markup` none of it is left."""
    name, _, value = found.removeprefix("div ").partition("=")
    return found.startswith("div ") and (name == "id" or (name == "class" and all(map(CLASS.fullmatch, value.split()))))


def test_titles_are_escaped() -> None:
    page = render_notebook({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, "<b>", "<script>")
    assert "<title>&lt;b&gt;</title>" in page
    assert "<script" not in page


def test_cells_show_their_numbers_and_colours() -> None:
    error = {"output_type": "error", "ename": "E", "evalue": "e", "traceback": ["\x1b[0;31mE\x1b[0m: e"]}
    page = page_of(cell(1, "markdown", "# Title"), cell(2, "code", "import torch", [error]))
    assert 'id="cell-2"' in page
    assert '<span class="kn">import</span>' in page
    assert '<span class="ansi-red-fg">E</span>: e' in page


def test_what_takes_too_long_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebookpage, "SECONDS", 0.2)
    monkeypatch.setattr(notebookpage, "_body", lambda notebook: time.sleep(60))
    assert "The cells cannot be shown: it takes too long." in page_of()


def test_what_breaks_the_layout_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebookpage, "_body", lambda notebook: 1 / 0)
    assert "The cells cannot be shown: ZeroDivisionError." in page_of()


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.reports.bounded.MEMORY", 64 << 20)
    with pytest.raises(RuntimeError, match="MemoryError"):
        bounded(20, lambda: "x" * (1 << 30))


def test_text_of_any_kind_comes_back() -> None:
    assert bounded(20, lambda: "김 \ud800 \x00") == "김 ? \x00"


@pytest.mark.parametrize("text", ["[" * 20_000, "*_" * 10_000, "> " * 5_000 + "x", "`" * 20_001, "<" * 20_000])
def test_texts_that_are_hard_to_lay_out_end(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebookpage, "SECONDS", 2.0)
    assert page_of(cell(1, "markdown", text)).endswith("</html>\n")
