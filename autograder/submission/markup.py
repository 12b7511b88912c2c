"""HTML and Markdown that nobody vouches for, made inert: it can be looked at, and does nothing.

No script, no style, no frame, no form, no image but one that is in the text itself, and no link but to a web page or
within the page. Needs bleach and nbconvert, which grading with notebooks needs anyway.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

__all__ = ["inert_html", "inert_markdown"]

LAYOUT = ("br", "caption", "col", "colgroup", "dd", "details", "div", "dl", "dt", "hr", "img", "li", "ol", "p", "ul")
TABLE = ("table", "tbody", "td", "tfoot", "th", "thead", "tr")
TEXT = (
    "a",
    "abbr",
    "b",
    "blockquote",
    "code",
    "del",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "i",
    "ins",
    "kbd",
    "mark",
)
MORE = ("pre", "q", "s", "samp", "small", "span", "strong", "sub", "summary", "sup", "u", "var")
TAGS = frozenset((*LAYOUT, *TABLE, *TEXT, *MORE))
# The classes that colour code and terminal output; any other could make a student's cell look like ours.
CLASS = re.compile(r"highlight|hl-[a-z0-9]+|ansi-[a-z-]+|[a-z][a-z0-9]{0,2}")
IMAGE = re.compile(r"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*")
LINK = re.compile(r"(?:https?://|#).*", re.DOTALL)
NUMBER = re.compile(r"[0-9]{1,4}%?")
ALIGN = ("left", "right", "center")


def inert_html(text: str) -> str:
    """`text` with nothing left in it but tags and attributes that only lay out; the rest shows as the text it is."""
    return str(_cleaner().clean(text))


def inert_markdown(text: str) -> str:
    """The HTML that Markdown stands for, made inert."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    return inert_html(MarkdownWithMath(renderer=renderer).render(text))


@cache
def _cleaner() -> Any:
    from bleach.sanitizer import Cleaner

    protocols = ("http", "https", "data")  # data: for images only, which `_allowed` sees to
    return Cleaner(tags=TAGS, attributes=_allowed, protocols=protocols, strip=False, strip_comments=True)


def _allowed(tag: str, name: str, value: str) -> bool:
    match name:
        case "class":
            return all(CLASS.fullmatch(word) for word in value.split())
        case "src":
            return tag == "img" and bool(IMAGE.fullmatch(value))
        case "href":
            return tag == "a" and bool(LINK.fullmatch(value))
        case "width" | "height" | "colspan" | "rowspan" | "start" | "border":
            return bool(NUMBER.fullmatch(value))
        case "align":
            return value in ALIGN
    return name in ("alt", "title")
