"""The review page in a browser: keys, saving without a button, two reviewers at one form, and no request elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from autograder.gradebook.store import Book
from tests.autograder.review.serving import ASSIGNMENT, EVIL, Reviewer, by_hand, decided, make_book, make_desk, serving

POINTS = "#points-s1-conv-forward"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with make_book(tmp_path / "gradebook.db") as book:
        yield book


@pytest.fixture
def server(book: Book, tmp_path: Path) -> Iterator[Reviewer]:
    with serving(make_desk(book, tmp_path), sign_in=False) as server:
        yield server


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    yield context
    context.close()


def enter(context: BrowserContext, server: Reviewer) -> tuple[Page, list[str]]:
    """The queue in a browser, and everything that goes wrong there: what it says, and whom it asks elsewhere."""
    page, troubles = context.new_page(), list[str]()
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("dialog", lambda dialog: (troubles.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: request.url.startswith(server.address) or troubles.append(request.url))
    page.goto(f"{server.address}/?token={server.session.token}")
    return page, troubles


def test_keys_alone(server: Reviewer, book: Book, context: BrowserContext) -> None:
    page, troubles = enter(context, server)
    first = page.locator("#students tbody a").first.inner_text()
    page.keyboard.press("j")
    expect(page.locator("h1")).to_have_text(first)
    page.wait_for_load_state()  # a key before that is lost
    page.keyboard.press("j")
    expect(page.locator("h1")).not_to_have_text(first)
    page.wait_for_load_state()
    page.keyboard.press("k")
    expect(page.locator("h1")).to_have_text(first)
    page.keyboard.press("?")
    expect(page.locator("#help")).to_have_attribute("open", "")
    page.goto(f"{server.address}/submission/1")
    page.keyboard.press("1")
    expect(page.locator("#question-1")).to_be_focused()
    page.keyboard.press("e")
    page.keyboard.type("3.5")
    page.keyboard.press("Tab")
    expect(page.locator(f"{POINTS} output")).to_have_text("Not saved yet: say why.")
    page.keyboard.type("j12 unfair")  # keys are text within a field
    page.keyboard.press("Enter")
    expect(page.locator(f"{POINTS} output")).to_contain_text("kim, ")
    expect(page.locator("#effect")).to_contain_text("100 → 93.5")
    expect(page.locator(".person .sum")).to_contain_text("93.5 of 100")
    expect(page.locator("#events")).to_contain_text("points conv-forward 3.5: j12 unfair")
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.keyboard.type("Well done")
    page.keyboard.press("Escape")  # leaving the field saves
    expect(page.locator("#events")).to_contain_text("comment conv-forward Well done")
    made = [("points", 350, "j12 unfair", "kim"), ("comment", "Well done", "", "kim")]
    assert decided(book) == made
    page.locator("#events button").first.click()
    expect(page.locator("#events")).to_contain_text("taken back")
    page.locator(f"{POINTS} button.link").click()
    expect(page.locator("#events tbody tr")).to_have_count(4)
    assert [value for _, value, _, _ in decided(book)] == [350, "Well done", None, None]
    assert troubles == []


def test_two_reviewers_at_one_form(server: Reviewer, book: Book, browser: Browser, tmp_path: Path) -> None:
    with serving(make_desk(book, tmp_path, "lee"), sign_in=False) as other:
        mine, theirs = browser.new_context(), browser.new_context()
        (kim, _), (lee, _) = enter(mine, server), enter(theirs, other)
        for page, each in ((kim, server), (lee, other)):
            page.goto(f"{each.address}/submission/1")
            page.locator(f'{POINTS} [name="value"]').fill("2" if page is lee else "7")
        for page in (lee, kim):
            page.locator(f'{POINTS} [name="why"]').fill("theirs" if page is lee else "mine")
            page.keyboard.press("Enter")
            if page is lee:
                expect(page.locator(f"{POINTS} output")).to_contain_text("lee, ")
        refusal = kim.locator(".refusal")
        expect(refusal).to_contain_text("points conv-forward 2: theirs (lee, ")
        assert refusal.locator('[name="value"]').input_value() == "7"
        assert [value for _, value, _, _ in decided(book)] == [200]
        refusal.get_by_role("button", name="Overrule").click()
        expect(kim.locator("#effect")).to_contain_text("points conv-forward 7: mine")
        assert [(value, who) for _, value, _, who in decided(book)] == [(200, "lee"), (700, "kim")]
        mine.close()
        theirs.close()


def test_without_javascript(server: Reviewer, book: Book, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page, _ = enter(context, server)
    page.locator("#students tbody a").first.click()
    page.goto(f"{server.address}/submission/1")
    form = page.locator(POINTS)
    form.locator('[name="value"]').fill("3")
    form.get_by_role("button", name="Save").click()
    expect(page.locator(".refusal")).to_contain_text("points: found no reason")
    page.get_by_role("link", name="Go back").click()
    form.locator('[name="value"]').fill("3")
    form.locator('[name="why"]').fill("unfair")
    form.get_by_role("button", name="Save").click()
    expect(page.locator("#effect")).to_contain_text("100 → 93")
    form.get_by_role("button", name="undo").click()
    expect(page.locator("#effect")).to_contain_text("93 → 100")
    assert [value for _, value, _, _ in decided(book)] == [300, None]
    context.close()


def test_a_page_elsewhere_can_do_nothing(server: Reviewer, book: Book, context: BrowserContext, tmp_path: Path) -> None:
    page, _ = enter(context, server)
    page.goto(f"{server.address}/submission/1")
    fields = page.locator(f'{POINTS} input[type="hidden"]').evaluate_all("all => all.map(one => [one.name, one.value])")
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields)
    foreign = tmp_path / "foreign.html"
    foreign.write_text(
        f'<form method="post" action="{server.address}/decide">{inputs}<input name="value" value="1">'
        f'<input name="why" value="x"></form><iframe src="{server.address}/submission/1"></iframe>'
    )
    page.goto(foreign.as_uri())
    assert "conv-forward" not in page.frames[-1].content()
    with page.expect_navigation():
        page.evaluate("document.forms[0].submit()")
    assert "conv-forward" not in page.content()
    assert decided(book) == []


def test_what_a_student_wrote_does_nothing(
    server: Reviewer, book: Book, context: BrowserContext, tmp_path: Path
) -> None:
    name = next(each.name for each in book.facts().submissions if each.id == 6)
    folder = tmp_path / name
    folder.mkdir()
    notebook = f"<p id=cell>a cell</p><script>alert(3)</script>{EVIL[2:]}"
    (folder / next(iter(ASSIGNMENT.pages.values()))).write_text(notebook)
    book.add_decisions([by_hand("comment", EVIL, submission=6)])
    page, troubles = enter(context, server)
    stopped: dict[str, str | None] = {}
    page.on("requestfailed", lambda request: stopped.update({request.url: request.failure}))
    page.goto(f"{server.address}/submission/6")
    assert troubles == []
    page.locator(".notebook summary").click()
    expect(page.frame_locator("iframe").locator("#cell")).to_have_text("a cell")
    asked = [said for said in troubles if said.startswith("http")]
    assert {stopped.get(url) for url in asked} <= {"csp"}  # the browser asked nobody, because of our policy
    said = [said for said in troubles if said not in asked]
    assert [line for line in said if "Blocked script execution" not in line and "violates" not in line] == []
    page.goto(f"{server.address}/submission/6/report.html")
    expect(page.locator("h1")).to_contain_text("<script>")


@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits(server: Reviewer, context: BrowserContext, width: int, scheme: str) -> None:
    page, troubles = enter(context, server)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for path in ("/", "/submission/1", "/submission/6"):
        page.goto(server.address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert troubles == []


def test_a_large_class(browser: Browser, tmp_path: Path) -> None:
    with make_book(tmp_path / "gradebook.db", 500) as book, serving(make_desk(book, tmp_path), sign_in=False) as server:
        context = browser.new_context()
        page, troubles = enter(context, server)
        assert page.locator("#students tbody tr").count() == 500
        page.get_by_label("Why").select_option("READ")
        assert page.locator("#students tbody tr:visible").count() == 1
        began = time.monotonic()
        page.keyboard.press("Escape")
        page.goto(f"{server.address}/submission/1")
        print(f"a submission of 500: {time.monotonic() - began:.2f} s")
        assert troubles == []
        context.close()
