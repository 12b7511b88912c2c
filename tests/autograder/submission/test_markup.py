"""HTML and Markdown of anybody's are inert once they went through `markup`."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.reports.pages import formulas
from autograder.reports.pages.inert import inert_html, inert_markdown

HARMLESS = {"class", "alt", "title", "width", "height", "colspan", "rowspan", "start", "border", "align"}
HOSTILE = (
    "<script>alert(1)</script>",
    "<SCRIPT SRC=https://evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src='https://evil.example/pixel.png'>",
    "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
    "<svg onload=alert(1)><script>alert(2)</script></svg>",
    "<iframe src='https://evil.example'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' jav&#x09;ascript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='//evil.example'>x</a>",
    "<form action='https://evil.example'><input name=q><button>x</button></form>",
    "<meta http-equiv='refresh' content='0;url=https://evil.example'>",
    "<base href='https://evil.example/'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<style>body { display: none }</style>",
    "<p style='position: fixed; inset: 0; background: url(https://evil.example)'>x</p>",
    "<object data='https://evil.example'></object><embed src=x>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<div class='notice bad output_error'>forged</div>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<details open ontoggle=alert(1)>x</details>",
    "<video><source onerror=alert(1)></video><audio src=x autoplay>",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/pixel.png)",
    "<https://evil.example> [x]: javascript:alert(1)",
    "```python\n<script>alert(1)</script>\n```",
    "$<script>alert(1)</script>$ $$<img src=x onerror=alert(1)>$$",
    r"$\href{javascript:alert(1)}{x}$ $\class{notice}{x} \style{position:fixed}{x}$",
    r"$\text{<script>alert(1)</script>}$ $\text{&lt;img src=x onerror=alert(1)&gt;}$",
    r'$"><img src=x onerror=alert(1)>$ $\text{"} x$',
    '<img alt="\n\n$x$ $$\\text{> <b onclick=alert(1)>}$$\n\n" title="$y$">',
    "\ue000b3c7363726970743e\ue001 \ue000izz\ue001 <p title='\ue000i78\ue001'>x</p>",
)


class _Reader(HTMLParser):
    """Collects what in a page could do anything."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "math" or tag in formulas.ELEMENTS:
            wanted = {"display", "alttext"} if tag == "math" else formulas.ATTRIBUTES
            self.found += [f"{tag} {name}" for name, _ in attrs if name not in wanted]
            attrs = []
        if tag in ("script", "style", "iframe", "svg", "object", "embed", "form", "input", "button", "meta"):
            self.found.append(tag)
        if tag in ("base", "link", "video", "audio", "source", "noscript", "template"):
            self.found.append(tag)
        for name, value in attrs:
            text = value or ""
            plain = name in HARMLESS and "output" not in text and "notice" not in text
            image = tag == "img" and name == "src" and text.startswith("data:image/png;base64,")
            link = tag == "a" and name == "href" and text.startswith(("http://", "https://", "#"))
            if not (plain or image or link):
                self.found.append(f"{tag} {name}={text}")


def dangers(page: str) -> list[str]:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.found


def test_the_reader_of_these_tests_sees_dangers() -> None:
    assert dangers("<script>x</script><p onclick=x><a href='javascript:x'><img src=x>") == [
        "script",
        "p onclick=x",
        "a href=javascript:x",
        "img src=x",
    ]


@pytest.mark.parametrize("make", [inert_html, inert_markdown])
@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_it_does_anything(text: str, make: object) -> None:
    assert callable(make)
    assert dangers(make(text)) == []
    assert dangers(make(f"# heading\n\n| a |\n|---|\n| {text} |\n\n> {text}")) == []


@given(st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join), st.integers(0, 200))
def test_nor_do_pieces_of_it(text: str, start: int) -> None:
    assert dangers(inert_html(text[start:] + text[:start])) == []


def test_what_lays_out_stays() -> None:
    table = '<table border="1"><tr><td align="right">1</td></tr></table>'
    assert inert_html(table) == '<table border="1"><tbody><tr><td align="right">1</td></tr></tbody></table>'
    assert inert_html('<div class="highlight hl-ipython3"><span class="kn">import</span></div>').count("class=") == 2
    image = '<img alt="plot" src="data:image/png;base64,iVBORw0KGgo=">'
    assert inert_html(image) == image
    made = inert_markdown("**Because** of `x` in [this](https://example.org):\n\n- one\n- two\n\n$x_1 < 2$")
    for words in (
        "<strong>Because</strong>",
        "<code>x</code>",
        'href="https://example.org"',
        "<li>one</li>",
        "<mo>&lt;</mo><mn>2</mn></mrow></math>",
    ):
        assert words in made


@pytest.mark.parametrize(
    "text", ["a list<int> of them", "if a<c and c>d", "x <- y", "<unknown>text</unknown>", "1 < 2"]
)
def test_what_is_no_tag_shows_as_the_text_it_is(text: str) -> None:
    reader = HTMLParser()
    shown: list[str] = []
    reader.handle_data = shown.append  # type: ignore[method-assign]
    reader.feed(inert_html(text))
    reader.close()
    assert "".join(shown) == text
