"""Who may ask the review page anything, and what a browser is told about its answers."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from autograder.commands.book.review import _listening
from autograder.errors import UsageError
from autograder.gradebook.store import Book
from tests.autograder.review.serving import ASSIGNMENT, Reviewer, decided, make_desk, serving

ROOT = Path(__file__).parents[3]
FIRST = "points-s1-conv-forward"


def test_the_printed_address_is_good_once(book: Book, tmp_path: Path) -> None:
    with serving(make_desk(book, tmp_path), sign_in=False) as reviewer:
        token = reviewer.session.token
        assert len(bytes.fromhex(token)) * 8 == 128
        assert reviewer.client.get("/").status_code == 403
        for wrong in (token[:-1], "", token.upper() + "0", "é"):
            assert reviewer.client.get("/", params={"token": wrong}).status_code == 403
        assert reviewer.client.get("/submission/1", params={"token": token}).status_code == 403
        answer = reviewer.client.get("/", params={"token": token})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert token not in cookie
        assert reviewer.client.get("/").status_code == 200
        with httpx.Client(base_url=reviewer.address, trust_env=False) as other:
            for words in ({"token": token}, {"token": ""}, {}):
                assert other.get("/", params=words).status_code == 403
                assert "conv-forward" not in other.get("/submission/1", params=words).text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "0.0.0.0", "a@127.0.0.1", ""]
)
def test_a_foreign_name_reaches_nothing(reviewer: Reviewer, host: str) -> None:
    answer = reviewer.client.get("/", headers={"host": host})
    assert answer.status_code in (400, 421)
    assert "to look at" not in answer.text


@pytest.mark.parametrize("host", ["localhost:9", "127.0.0.1:9000", "[::1]:9"])
def test_a_tunnel_may_have_another_port(reviewer: Reviewer, host: str) -> None:
    assert reviewer.client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": ""},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
        {"cookie": "review-00000000=00"},
    ],
)
def test_a_form_from_elsewhere_is_refused(reviewer: Reviewer, book: Book, headers: dict[str, str]) -> None:
    data = {**reviewer.form("/submission/1", FIRST), "value": "1", "why": "because"}
    assert reviewer.send(data, **headers).status_code == 403
    assert reviewer.client.post("/decide", data=data).status_code == 403  # it names no origin at all
    assert decided(book) == []
    assert reviewer.send(data).status_code == 303  # the same form from our own page


@pytest.mark.parametrize(
    "change", [{"token": "0" * 64}, {"token": ""}, {"question": "conv-backward"}, {"whom": "s2"}, {"kind": "comment"}]
)
def test_a_form_counts_for_what_it_was_made_for(reviewer: Reviewer, book: Book, change: dict[str, str]) -> None:
    data = {**reviewer.form("/submission/1", FIRST), "value": "1", "why": "because"}
    assert reviewer.send({**data, **change}).status_code == 403
    assert decided(book) == []


def test_a_form_of_another_run_of_the_server(reviewer: Reviewer, book: Book, tmp_path: Path) -> None:
    with serving(make_desk(book, tmp_path)) as other:
        data = {**other.form("/submission/1", FIRST), "value": "1", "why": "because"}
        assert reviewer.send(data).status_code == 403


def test_what_is_no_form(reviewer: Reviewer, book: Book) -> None:
    own = {"origin": reviewer.address, "content-type": "application/x-www-form-urlencoded"}
    for content, status in (
        (b"\xff", 400),
        (b"x", 400),
        (b"", 403),
        (b"a=1&" * 30, 400),
        (b"value=" + b"x" * 70_000, 413),
    ):
        assert reviewer.client.post("/decide", content=content, headers=own).status_code == status
    assert reviewer.client.post("/decide", content=b"a=1", headers=own).status_code == 403
    for method, path in (("PUT", "/decide"), ("GET", "/decide"), ("POST", "/"), ("DELETE", "/submission/1")):
        assert reviewer.client.request(method, path, headers=own).status_code == 405
    assert decided(book) == []


def test_no_answer_is_framed_kept_or_asks_elsewhere(reviewer: Reviewer) -> None:
    for path in ("/", "/submission/6", "/submission/6/report.html", "/submission/99", "/nothing"):
        headers = reviewer.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "")
        assert "unsafe-eval" not in policy
        assert "http" not in policy
        assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
        assert headers["referrer-policy"] == "same-origin"
        assert "server" not in headers


def test_it_listens_on_loopback_alone() -> None:
    with _listening(0) as listener:
        host, port = listener.getsockname()
        assert host == "127.0.0.1"
        listener.listen()
        with pytest.raises(UsageError, match="--port"):
            _listening(port)
        others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
        for other in others:
            if not other.startswith("127."):
                assert socket.socket().connect_ex((other, port)) != 0


def test_the_command(book: Book, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "autograder", "--course", str(ROOT), "review", ASSIGNMENT.id, "--out", str(tmp_path)]
    process = subprocess.Popen(
        [*words, "--as", "lee"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "of 12 to look at" in line
    address = line.split()[-1]
    try:
        with httpx.Client(timeout=60, trust_env=False) as client:
            page = client.get(address, follow_redirects=True)
            assert "review by lee" in page.text
            assert client.get(address).status_code == 200  # this browser has its cookie
    finally:
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert "autograder report" in out


@pytest.mark.parametrize(
    "words, said", [(("--port", "0"), "wanted a number"), (("--out", "nowhere"), "no gradebook here")]
)
def test_bad_arguments(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    command = [sys.executable, "-m", "autograder", "--course", str(ROOT), "review", ASSIGNMENT.id]
    done = subprocess.run(
        [*command, "--out", str(tmp_path), *words], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
