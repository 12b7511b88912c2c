"""Small notebooks, and what it takes to run them."""

from __future__ import annotations

import json
from typing import Any

CODE = (
    "from toy import double\nimport torch",
    "print('twice', double(torch.tensor(2.0)))",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.show()",
    "torch.save({'made': 1}, 'made.pt')\ndouble(torch.ones(2))",
)
ASKED = "About doubling.\n\n**Question 1.** Why *twice*?"
BLANK = "*Your answer:*"


def code(source: str, id: str = "", **more: Any) -> dict[str, Any]:
    cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    return {**cell, **({"id": id} if id else {}), **more}


def text(source: str, id: str = "", **metadata: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": metadata, "source": source, **({"id": id} if id else {})}


def file_of(cells: list[dict[str, Any]]) -> bytes:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def handed_out() -> list[dict[str, Any]]:
    """The cells of the clean copy: 1 text, 2-5 code, 6 a question, 7 its answer."""
    given = [code(source, f"code{number}") for number, source in enumerate(CODE, start=1)]
    return [text("# Toys", "title"), *given, text(ASKED, "asked"), text(BLANK, "answer", tags=["answer"])]


def printed(words: str) -> list[dict[str, Any]]:
    return [{"output_type": "stream", "name": "stdout", "text": words}]
