"""Makes untrusted HTML and Markdown inert: it can be displayed, but it cannot run or load anything.

No script, no style, no frame and no form. No image but one whose data is in the text itself. No link but to a web page
or within the page. Formulas in Markdown are set. Needs nh3, nbconvert and latex2mathml.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from autograder.reports.pages.formulas import marked, with_formulas

__all__ = ["inert_html", "inert_markdown", "markdown"]

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
NO_TAG = re.compile(rf"<(?!/?(?:{'|'.join(sorted(TAGS))})[\s/>]|!--)", re.IGNORECASE)
ATTRIBUTES = (
    "class",
    "src",
    "href",
    "width",
    "height",
    "colspan",
    "rowspan",
    "start",
    "border",
    "align",
    "alt",
    "title",
)
# The classes that colour code and terminal output; any other could make a student's cell look like ours.
CLASS = re.compile(r"highlight|hl-[a-z0-9]+|ansi-[a-z-]+|[a-z][a-z0-9]{0,2}")
IMAGE = re.compile(r"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*")
LINK = re.compile(r"(?:https?://|#).*", re.DOTALL)
NUMBER = re.compile(r"[0-9]{1,4}%?")
ALIGN = ("left", "right", "center")


def inert_html(text: str) -> str:
    """`text` with layout tags and attributes only. Anything else is shown as plain text.

    Formulas that `markdown` has marked are set.
    """
    import nh3

    clean = nh3.clean(
        NO_TAG.sub("&lt;", text),  # nh3 would remove them: `list<int>` in an answer is text
        tags=set(TAGS),
        attributes={tag: set(ATTRIBUTES) for tag in TAGS},
        attribute_filter=_allowed,
        url_schemes={"http", "https", "data"},  # data: for images only, as `_allowed` ensures
        strip_comments=True,
        link_rel="noopener noreferrer",
    )
    return with_formulas(clean)


def inert_markdown(text: str) -> str:
    """Markdown as inert HTML."""
    return inert_html(markdown(text))


def markdown(text: str) -> str:
    """Markdown as raw HTML, before `inert_html`. Formulas are marked."""
    from nbconvert.filters.markdown_mistune import MarkdownWithMath

    html: str = MarkdownWithMath(renderer=_renderer()(escape=False, exclude_anchor_links=True)).render(text)
    return html


@cache
def _renderer() -> Any:
    from nbconvert.filters.markdown_mistune import IPythonRenderer

    class Renderer(IPythonRenderer):
        def block_math(self, body: str) -> str:
            return f"<p>{marked(body, block=True)}</p>"

        def inline_math(self, body: str) -> str:
            return marked(body, block=False)

        def latex_environment(self, name: str, body: str) -> str:
            return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")

    return Renderer


def _allowed(tag: str, name: str, value: str) -> str | None:
    return value if _is_harmless(tag, name, value) else None


def _is_harmless(tag: str, name: str, value: str) -> bool:
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
