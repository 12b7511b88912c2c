"""Turns TeX formulas into MathML, which browsers display without scripts and external fonts.

The TeX is untrusted. Only text and the few elements and attributes listed here reach the page. latex2mathml turns TeX
into a tree. Its own writer does not escape text, so this module writes the tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from xml.etree.ElementTree import Element

from markupsafe import escape

__all__ = ["marked", "typeset", "typeset_output", "with_formulas"]

MAX_FORMULA = 2000  # characters of a formula; a longer one is shown as code
ELEMENTS = (
    *("mfrac", "mi", "mn", "mo", "mover", "mpadded", "mroot", "mrow", "mspace", "msqrt", "mstyle", "msub", "msubsup"),
    *("msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover"),
)
ATTRIBUTES = (
    *("accent", "accentunder", "columnalign", "columnspan", "displaystyle", "fence", "form", "linethickness", "lspace"),
    *("mathvariant", "maxsize", "minsize", "movablelimits", "rowspan", "rspace", "scriptlevel", "separator"),
    *("stretchy", "symmetric", "width"),
)
# In a formula on its own line, the limits of a sum are below and above it.
LIMITS = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}
LARGE = ("∑", "∏", "⋃", "⋂")
VALUE = re.compile(r"[a-z-]{1,30}|[+-]?(?:\d{1,2})?(?:\.\d{1,4})?(?:em|ex|pt|mu|%)?")
# Marks around a formula while HTML is made inert: `inert_html` does not change them, and no TeX contains them.
OPEN, CLOSE = "\ue000", "\ue001"
MARK = re.compile(rf"{OPEN}([bi])([0-9a-f]*){CLOSE}")
# In inert HTML, the first half matches whole tags, which are left unchanged.
TAG_OR_MARK = re.compile(rf"<(?:[^<>\"]|\"[^\"]*\")*>|{MARK.pattern}")
DOLLARS = re.compile(r"\s*(\$\$?)(?!\$)(.+?)\1\s*", re.DOTALL)


def marked(tex: str, *, block: bool) -> str:
    """A formula as marked text, which `with_formulas` finds again in inert HTML."""
    return f"{OPEN}{'b' if block else 'i'}{tex.encode('utf-8', 'replace').hex()}{CLOSE}"


def with_formulas(inert: str) -> str:
    """Inert HTML with its marked formulas as MathML. A mark within a tag is removed."""
    return TAG_OR_MARK.sub(lambda found: MARK.sub("", found[0]) if found[1] is None else _of_mark(found), inert)


def _of_mark(found: re.Match[str]) -> str:
    return typeset(bytes.fromhex(found[2]).decode("utf-8", "replace"), block=found[1] == "b")


def typeset(tex: str, *, block: bool) -> str:
    """A formula as MathML, or as code if it is invalid or too long.

    >>> typeset("x_1", block=False)
    '<math display="inline" alttext="x_1"><mrow><msub><mi>x</mi><mn>1</mn></msub></mrow></math>'
    """
    tree = _tree(tex)
    if tree is None:
        return f"<code>{escape(tex)}</code>"
    display = "block" if block else "inline"
    return f'<math display="{display}" alttext="{escape(tex.strip())}">{"".join(_inside(tree, block))}</math>'


def typeset_output(tex: str) -> str:
    """The TeX output of a cell: a formula between dollars, or text."""
    found = DOLLARS.fullmatch(tex)
    return typeset(found[2], block=True) if found else f"<pre>{escape(tex)}</pre>"


def _tree(tex: str) -> Element | None:
    from latex2mathml.converter import convert_to_element

    if not tex.strip() or len(tex) > MAX_FORMULA:
        return None
    try:
        tree: Element = convert_to_element(tex)
        "".join(_inside(tree, block=True))
    except Exception:  # it raises any kind of exception on invalid TeX; RecursionError too
        return None
    return tree


def _inside(element: Element, block: bool) -> Iterator[str]:
    yield str(escape(unescape(element.text or "")))
    for child in element:
        name = child.tag if child.tag in ELEMENTS else "mrow"
        if block and name in LIMITS and len(child) and unescape(child[0].text or "") in LARGE:
            name = LIMITS[name]
        allowed = {key: value for key, value in child.attrib.items() if _harmless(key, value)}
        yield f"<{name}{''.join(f' {key}={chr(34)}{value}{chr(34)}' for key, value in allowed.items())}>"
        yield from _inside(child, block)
        yield f"</{name}>{escape(unescape(child.tail or ''))}"


def _harmless(key: str, value: Any) -> bool:
    return key in ATTRIBUTES and isinstance(value, str) and bool(value and VALUE.fullmatch(value))
