"""What the review page shows: what the staff needs, as text, and nothing of the disk but notebooks' pages."""

from __future__ import annotations

import os
import re
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from autograder.gradebook.store import Book
from tests.autograder.review.serving import ASSIGNMENT, EVIL, Reviewer, by_hand, make_desk, serving

READ = "/submission/6"
PAGE = next(iter(ASSIGNMENT.pages.values()))


class Elements(HTMLParser):
    """Names of all elements, and what they refer to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def submission(book: Book) -> str:
    return next(each.name for each in book.facts().submissions if each.id == 6)


def test_the_code_is_shown_where_no_question_shows_it(reviewer: Reviewer) -> None:
    text = reviewer.page("/submission/1")
    assert "conv.py, as it was handed in" in text
    assert f"<i>1</i>x = 1  # {escape(EVIL)}" in text or "evil.example" in text
    assert "as it was handed in" not in reviewer.page(READ)


@pytest.mark.parametrize("path", ["/", "/submission/1", READ, f"{READ}/report.html", f"{READ}?did=1"])
def test_what_a_student_wrote_is_text(reviewer: Reviewer, book: Book, path: str) -> None:
    book.add_decisions(
        [by_hand("comment", EVIL, submission=6), by_hand("note", EVIL, submission=6, question="conv-forward")]
    )
    text = reviewer.page(path)
    assert "evil.example" in text  # it is shown
    for tag, attributes in Elements(text).found:
        assert tag not in ("img", "object", "embed", "link", "base")
        assert tag != "script" or not attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "action"):
            assert re.match(r"[/#]|\.\./|report|review|notebook", attributes.get(name) or "/"), attributes
    assert sum(tag == "script" for tag, _ in Elements(text).found) <= 1


def test_code_cases_notes_and_history_stand_on_it(reviewer: Reviewer, book: Book) -> None:
    book.add_decisions([by_hand("note", "read twice", submission=6)])
    text = reviewer.page(READ)
    for part in (
        "x = 2  #",
        "matches[evil]",
        "Traceback",
        "a note ",
        "read twice",
        "lee",
        "command",
    ):
        assert escape(part) in text, part


def test_the_queue_says_why(reviewer: Reviewer, book: Book) -> None:
    text = reviewer.page("/")
    order = re.findall(r'href="/submission/(\d+)"', text)
    assert len(order) == 12
    assert {"6", "11", "12"} >= set(order[:1])  # held comes first
    assert "option 2 waits for a person who reads it" in text
    assert "the files lie in a folder inside the zip" in text
    assert "Oh, Nara" in text


def test_next_and_previous_walk_through_all(reviewer: Reviewer) -> None:
    at = re.search(r'href="(/submission/\d+)"', reviewer.page("/"))
    seen = []
    while at:
        seen.append(at[1])
        at = re.search(r'href="(/submission/\d+)" rel="next"', reviewer.page(at[1]))
    assert len(seen) == len(set(seen)) == 12


def test_a_notebook_is_shown_and_does_nothing(reviewer: Reviewer, book: Book, tmp_path: Path) -> None:
    assert "<iframe" not in reviewer.page(READ)
    folder = tmp_path / submission(book)
    folder.mkdir()
    (folder / PAGE).write_text(f"<title>{submission(book)}</title><script>alert(1)</script>")
    assert f'<iframe sandbox loading="lazy" src="{READ}/{PAGE}"' in reviewer.page(READ)
    answer = reviewer.client.get(f"{READ}/{PAGE}")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "sandbox" in policy.split("; ")
    assert "script" not in policy


def test_nothing_else_of_the_disk_is_served(reviewer: Reviewer, book: Book, tmp_path: Path) -> None:
    folder = tmp_path / submission(book)
    folder.mkdir()
    (tmp_path / "secret.html").write_text("secret")
    for name in ("result.json", "gradebook.db", "review.html", "other.html"):
        (folder / name).write_text("secret")
    other = tmp_path / "other"
    other.mkdir()
    (other / PAGE).write_text("secret")
    os.symlink(tmp_path / "secret.html", folder / PAGE)
    paths = [f"{READ}/{name}" for name in ("result.json", "gradebook.db", "review.html", "other.html", PAGE)]
    paths += [
        f"{READ}/..%2Fsecret.html",
        f"{READ}/%2e%2e/secret.html",
        f"/submission/99/{PAGE}",
        "/gradebook.db",
        f"{READ}/",
    ]
    for path in paths:
        answer = reviewer.client.get(path)
        assert answer.status_code in (404, 307), path
        assert "secret" not in answer.text
    (folder / PAGE).unlink()
    os.mkfifo(folder / PAGE)
    assert reviewer.client.get(f"{READ}/{PAGE}").status_code == 404
    (folder / PAGE).unlink()
    for path in (folder / name for name in ("result.json", "gradebook.db", "review.html", "other.html")):
        path.unlink()
    folder.rmdir()
    os.symlink(other, folder)
    assert reviewer.client.get(f"{READ}/{PAGE}").status_code == 404


def test_codes_instead_of_names(book: Book, tmp_path: Path) -> None:
    facts = book.facts()
    folder = tmp_path / submission(book)
    folder.mkdir()
    (folder / PAGE).write_text(f"<title>{submission(book)}: notebook</title>")
    key = facts.members[0].student
    book.add_decisions([by_hand("owner", [key], submission=2, why="typo"), by_hand("counts", 1, student=key)])
    told = {text for each in facts.members for text in (each.student, each.written, each.name) if text}
    told |= {each.name for each in facts.submissions}
    told.remove(EVIL)  # this one stands in the code, too
    with serving(make_desk(book, tmp_path, anonymous=True)) as reviewer:
        pages = ["/", f"{READ}/{PAGE}", "/person/" + next(each.code for each in facts.students)]
        pages += [f"/submission/{each.id}" for each in facts.submissions]
        pages += [f"/submission/{each.submission}/report.html" for each in facts.gradings if each.complete]
        for path in pages:
            text = reviewer.page(path)
            assert not [name for name in told if escape(name) in text], path
        queue = reviewer.page("/")
        assert all(each.code in queue for each in facts.students)
        assert "owner-s1" not in reviewer.page("/submission/1")


def test_a_result_that_cannot_be_read(reviewer: Reviewer, book: Book) -> None:
    import sqlite3

    with sqlite3.connect(str(book.url.database)) as connection:
        connection.execute("update grading set result = x'00' where id = 1")
    assert "grading 1 cannot be read" in reviewer.page("/submission/1")
    assert reviewer.client.get("/submission/1/report.html").status_code == 404
    assert reviewer.client.get("/").status_code == 200
