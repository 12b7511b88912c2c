"""Text that a submission chose does nothing but be read."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from rich.console import Console

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionInfo, SubmissionResult
from autograder.reports import grades_csv, print_class, render_class, render_student, write_reports
from autograder.reports.text import block, line

HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "</style></title><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "\u202eevil\u2066 \u200f\u061c",
    "nul\0 and \x1b[31m bell\x07 \x9b",
    "lone \udc80 surrogate",
    "n" * 10_000,
    "[bold red]rich[/] [/not-open]",
    "two\nlines\u2028and\u2029more",
    "",
)


class Tags(HTMLParser):
    """Every tag with its attributes, and all text, as a browser would find them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def hostile(text: str) -> SubmissionResult:
    info = SubmissionInfo(text or "x", text, text, text, ((text, text),), text, True, (text,))
    cases = tuple(CaseResult(f"{text}[{text}]", outcome, text, text, text, text) for outcome in Outcome)
    question = QuestionResult("hints", text, 10, 5, Outcome.GRADER_ERROR, cases)
    return SubmissionResult(
        "a1", info, 5, 30, (question,), 1, environment={text: text}, isolation={"level": text, "layers": {text: True}}
    )


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_pages_stay_inert(small: Assignment, text: str) -> None:
    calm = hostile("calm")
    for render in (lambda r: render_student(r, small), lambda r: render_class([r], small, [(text, text)])):
        page = render(hostile(text))
        page.encode()
        wanted = {tag for tag, _ in Tags(render(calm)).tags}
        found = Tags(page)
        assert {tag for tag, _ in found.tags} <= wanted | {"b", "code", "ul", "li", "bdi", "small", "p"}
        for tag, attributes in found.tags:
            assert not any(name.startswith("on") for name in attributes), (tag, attributes)
            assert not (attributes.get("href") or "").lower().startswith(("javascript:", "http", "//"))
        assert not set("\0\x07\x1b\x9b\u202e\u2066\u200f\u061c\u2028") & set(page)
        assert "49" not in page.partition("</style>")[2] or "{{" not in text
        assert len(page) < 100_000


def test_a_page_may_run_no_script_but_its_own(small: Assignment) -> None:
    student, page = (Tags(render) for render in (render_student(hostile("x"), small), render_class([], small)))
    policies = [
        attributes["content"]
        for found in (student, page)
        for tag, attributes in found.tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert len(policies) == 2
    assert all("default-src 'none'" in str(policy) for policy in policies)
    assert "script-src 'none'" in str(policies[0])
    assert "script-src 'sha256-" in str(policies[1])
    assert [tag for tag, _ in student.tags].count("script") == 0
    assert [tag for tag, _ in page.tags].count("script") == 1


def test_pages_ask_nothing_of_a_network(small: Assignment) -> None:
    for page in (render_student(hostile("x"), small), render_class([hostile("x")], small)):
        assert "http:" not in page
        assert "https:" not in page
        assert "url(" not in page
        assert "@import" not in page
        assert not [tag for tag, _ in Tags(page).tags if tag in ("link", "img", "iframe", "object")]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_table_and_sheet_stay_inert(small: Assignment, capsys: pytest.CaptureFixture[str], text: str) -> None:
    print_class([hostile(text)], small, Console(), [(text, text)])
    shown = capsys.readouterr().out
    assert not set("\0\x07\x1b\x9b\u202e\u2066") & set(shown)
    assert max(map(len, shown.splitlines())) < 400
    sheet = grades_csv([hostile(text)], small, [(text, text)])
    assert len(sheet.splitlines()) == 3
    sheet.encode()


@pytest.mark.parametrize("text", ["<script>", "nul\0 in a note", "\udc80", "n" * 10_000])
def test_hostile_results_can_be_written(small: Assignment, tmp_path, text: str) -> None:
    result = hostile(text)
    write_reports([replace(result, info=replace(result.info, submission="kim"))], small, tmp_path, [(text, text)])
    assert (tmp_path / "kim" / "result.json").is_file()


def test_line_and_block() -> None:
    assert line("  a\n b\t c ") == "a b c"
    assert line("김민준 é 👩\u200d🔬") == "김민준 é 👩\u200d🔬"
    assert line("abcdef", 4) == "abc…"
    assert line("a\u202eb") == "a\ufffdb"
    assert block("a\n  b\r\nc\0") == "a\n  b\nc\ufffd"
    assert len(block("x" * 9000)) == 2000
