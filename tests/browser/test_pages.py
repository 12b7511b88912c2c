"""What grading writes opens from the disk: no network is asked, nothing complains, and a phone shows it all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.autograder.conftest import TOY, Toy
from tests.autograder.grading.notebooks import code, file_of, handed_out, text
from tests.autograder.submission.test_markup import HOSTILE
from tests.autograder.test_grade_notebooks import STUB, submit

ROOT = Path(__file__).parents[2]
PAGES = {"index.html", "answers.html", "report.html", "notebook.html", "review.html"}


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class with notebooks of every kind, a hostile one among them."""
    root = tmp_path_factory.mktemp("course")
    shutil.copytree(TOY, root / "toy", ignore=shutil.ignore_patterns("__pycache__"))
    toy = Toy(root / "toy")
    manifest = toy.root / "solutions/t1_toy/assignment.toml"
    named = manifest.read_text().replace('module = "toy"\n', 'module = "toy"\nnotebook = "toy.ipynb"\n')
    manifest.write_text(named.replace("scale = 0.5", "scale = 0.5\nreview = true"))
    handout = toy.root / "assignments/t1_toy"
    handout.mkdir(parents=True)
    (handout / "toy.py").write_text(toy.reference.replace("return SCALE * x", STUB))
    (handout / "toy.ipynb").write_bytes(file_of(handed_out()))
    wide = [code("print('wide ' * 400)"), code("1 / 0"), text("word" * 300)]
    answered = handed_out()
    answered[-1]["source"] = "\n\n".join(HOSTILE)
    submit(toy, "kim_full-1-A1-O1", file_of([*answered, *wide]))
    shows = "from IPython.display import HTML, Markdown, display\n"
    shows += "\n".join(
        f"print({each!r}); display(HTML({each!r})); display(Markdown({each!r}))" for each in HOSTILE[:20]
    )
    submit(toy, "lee_hostile-2-A1-O2", file_of([*handed_out(), code(shows), *map(text, HOSTILE)]))
    submit(toy, "han_none-3-A1-O1", None, ("return SCALE * x", "return x + 1  # " + "long " * 60))
    done = toy.run("grade", "t1", toy.submitted, "--out", root / "reports", "--notebooks")
    assert (done.returncode, done.stderr) == (0, "")
    return root / "reports"


def test_there_is_a_page_of_each_kind(graded: Path) -> None:
    assert {path.name for path in graded.rglob("*.html")} >= PAGES


@pytest.mark.parametrize("width", [400, 1200])
def test_pages_are_quiet_and_fit(graded: Path, page: Page, width: int) -> None:
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": width, "height": 800})
    for path in sorted(graded.rglob("*.html")):
        said.clear()
        asked.clear()
        page.goto(path.as_uri())
        name = path.relative_to(graded).as_posix()
        assert said == [], name
        assert [url for url in asked if not url.startswith(("data:", path.as_uri()))] == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.locator("h1").first.is_visible(), name


def test_the_class_page_leads_to_everything(graded: Path, page: Page) -> None:
    page.goto((graded / "index.html").as_uri())
    page.get_by_role("link", name="1 cell raised").first.click()
    assert page.url.endswith("/notebook.html")
    assert page.get_by_text("ZeroDivisionError").first.is_visible()
    assert page.locator("img").first.evaluate("image => image.naturalWidth") > 100  # the plot is really there
    page.goto((graded / "kim_full-1-A1-O1/report.html").as_uri())
    page.get_by_role("link", name="cell 9", exact=True).first.click()
    assert page.url.endswith("/notebook.html#cell-9")
    page.goto((graded / "answers.html").as_uri())
    assert page.get_by_text("kim_full").is_visible()
    page.get_by_label("without names").check()
    assert not page.get_by_text("kim_full").is_visible()
