"""The class page of a large class: causes unfold, the table is filtered, everything fits and stays fast to use."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from autograder.course.layout import Course
from autograder.reports import ScoreChange, render_class
from tests.autograder.reports.sample_class import make_class

SIZE = 500


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    assignment = Course.find(Path(__file__)).assignment("a6")
    results = make_class(assignment, SIZE)
    change = ScoreChange(results[0].submission, 1, 2, (("conv-forward", 1, 2),))
    path = tmp_path_factory.mktemp("class") / "index.html"
    path.write_text(render_class(results, assignment, [("lost-1-A6-O1", "the disk was full")], changes=[change]))
    assert path.stat().st_size < 2_000_000
    return path.as_uri()


def shown(page: Page) -> int:
    return page.locator("#students tbody tr:visible").count()


def test_a_name_filters_the_table(address: str, page: Page) -> None:
    page.goto(address)
    assert page.locator(".filters output").inner_text() == f"{SIZE} submissions"
    page.get_by_label("Name").fill("KIM")
    found = shown(page)
    assert 0 < found < SIZE
    assert page.locator(".filters output").inner_text() == f"{found} of {SIZE} submissions"
    page.get_by_label("Name").fill("no such person")
    assert (shown(page), page.locator(".filters output").inner_text()) == (0, "Nothing found")
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function(f"document.querySelectorAll('#students tbody tr:not([hidden])').length === {SIZE}")


def test_a_click_on_a_question_sorts_by_its_points(address: str, page: Page) -> None:
    page.goto(address)
    head = page.locator("#students thead button").filter(has_text="Max pooling, backward")
    column = "cells => cells.map(cell => parseFloat(cell.textContent))"
    place = head.evaluate("button => button.parentElement.cellIndex") + 1
    for falling in (True, False):
        head.click()
        points = page.locator(f"#students tbody tr > :nth-child({place})").evaluate_all(column)
        assert points == sorted(points, reverse=falling)
        assert len(set(points)) > 3


def test_outcome_and_lateness_filter_together(address: str, page: Page) -> None:
    page.goto(address)
    page.get_by_label("Outcome").select_option("failed")
    failed = shown(page)
    page.get_by_label("late only").check()
    assert 0 < shown(page) < failed < SIZE


def test_a_cause_unfolds_and_shows_its_submissions_in_the_table(address: str, page: Page) -> None:
    page.goto(address)
    cause = page.locator("details.cause").first
    count = int(cause.locator("summary .count").inner_text())
    assert not cause.locator(".names").is_visible()
    cause.locator("summary").click()
    assert cause.locator(".names li").count() == count
    cause.get_by_role("button", name="show in the table").click()
    assert shown(page) == count
    assert page.get_by_label("Cause").input_value() == cause.get_attribute("data-cause")


def test_what_a_person_must_see_is_folded_by_reason(address: str, page: Page) -> None:
    page.goto(address)
    groups = page.locator(".attention > details")
    assert groups.first.get_attribute("open") is not None
    assert "the disk was full" in groups.first.inner_text()
    late = groups.filter(has_text="Late").last
    assert not late.locator("li").first.is_visible()
    late.locator("summary").first.click()
    assert late.locator("li").first.is_visible()


def test_no_name_is_cut(address: str, page: Page) -> None:
    for width, media in ((390, "screen"), (1400, "screen"), (718, "print")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(media=media)  # type: ignore[arg-type]
        page.goto(address)
        cut = "cells => cells.filter(cell => cell.scrollWidth > cell.clientWidth + 1).length"
        assert page.locator("#students tbody th").evaluate_all(cut) == 0


def test_on_paper_everything_fits_and_the_histogram_keeps_its_size(address: str, page: Page) -> None:
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 with margins of 10 mm
    page.emulate_media(media="print")
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 718
    box = page.locator("svg.histogram").bounding_box()
    assert box is not None
    assert box["width"] > 420  # of its own 420 units: what is written in it is not smaller than on the screen
    assert not page.locator("form.filters").is_visible()


def test_on_paper_each_page_of_the_table_repeats_its_head(address: str, page: Page) -> None:
    """Chromium leaves out what lies in a button's box."""
    page.emulate_media(media="print")
    page.goto(address)
    shown = page.locator("#students thead button").evaluate_all("all => all.map(one => getComputedStyle(one).display)")
    assert set(shown) == {"contents"}


def test_it_costs_the_browser_little(address: str, page: Page) -> None:
    """Processor time, which a busy machine does not lengthen: until everything is laid out."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(address)
    page.get_by_label("Name").fill("kim")
    figures = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    assert figures["TaskDuration"] < 2


@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("media", ["screen", "print"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits(address: str, page: Page, width: int, media: str, scheme: str) -> None:
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(media=media, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(address)
    assert (said, asked) == ([], [address])
    if media == "screen":
        assert page.evaluate("document.documentElement.scrollWidth") <= width
