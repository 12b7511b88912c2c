"""Formulas become MathML, and nothing else than MathML, whatever stands in them."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from autograder.reports.pages.formulas import typeset, typeset_output
from autograder.reports.pages.inert import inert_markdown

ROOT = Path(__file__).parents[3]
SOURCES = sorted((ROOT / "solutions").glob("*/*.nb.py"))


def test_a_formula_between_dollars_is_set() -> None:
    made = inert_markdown("With $x_1 < 2$:\n\n$$ \\frac{a}{b} $$\n")
    assert '<math display="inline" alttext="x_1 &lt; 2">' in made
    assert '<math display="block"' in made
    assert "<mfrac><mrow><mi>a</mi></mrow><mrow><mi>b</mi></mrow></mfrac>" in made
    assert "$" not in made


@pytest.mark.parametrize("text", ["`$x$`", "```\n$x$\n```", "it costs 5$ or 6 dollars"])
def test_what_is_no_formula_is_not(text: str) -> None:
    assert "<math" not in inert_markdown(text)
    assert "$" in inert_markdown(text)


@pytest.mark.parametrize("tex", ["", "{" * 3000, "x^" * 900, r"\frac", r"\left(", "x" * 2001, r"\begin{matrix}" * 100])
def test_what_cannot_be_set_stays_as_it_is(tex: str) -> None:
    assert typeset(tex, block=True) == f"<code>{tex}</code>"


@pytest.mark.parametrize(
    "tex",
    [r"\text{<b>&amp;}", r"\href{javascript:x}{y}", r"\hspace{99999em}", r"\color{red}x", r"\style{a:b}{x}", '"<'],
)
def test_nothing_gets_out_of_a_formula(tex: str) -> None:
    made = typeset(tex, block=False)
    tree = ElementTree.fromstring(made)
    assert {element.tag for element in tree.iter()} <= {"math", "mrow", "mi", "mo", "mtext", "mspace", "mstyle"}
    assert all(key in ("display", "alttext") for element in tree.iter() for key in element.attrib)


def test_a_sum_has_its_limits_below_and_above_on_a_line_of_its_own() -> None:
    assert "<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover>" in typeset(r"\sum_i^n x", block=True)
    assert "<munder><mo>∏</mo><mi>i</mi></munder>" in typeset(r"\prod_i x_i", block=True)
    assert "<msub><mi>x</mi><mi>i</mi></msub>" in typeset(r"\prod_i x_i", block=True)
    assert "<msub><mo>∑</mo>" in typeset(r"\sum_i x", block=False)
    assert "munder" not in typeset(r"{ab}_i", block=True)


def test_what_a_cell_displays_as_tex_is_set_where_it_is_a_formula() -> None:
    assert typeset_output(r"$\displaystyle x^{2}$").startswith('<math display="block"')
    assert typeset_output("<b>$x$ and $y$") == "<pre>&lt;b&gt;$x$ and $y$</pre>"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_formula_of_the_course_is_set(source: Path) -> None:
    lines = [line[2:] for line in source.read_text(encoding="utf-8").splitlines() if line.startswith("# ")]
    for cell in "\n".join(lines).split("\n%%"):
        made = inert_markdown(cell.replace("\n%%", ""))
        assert "<code>\\" not in made
        assert "<math" in made or not re.search(r"(?<!`)\$\w", cell)
        assert not re.search(r"\$[^$<]*\\", re.sub(r"<pre>.*?</pre>", "", made, flags=re.DOTALL)), made
