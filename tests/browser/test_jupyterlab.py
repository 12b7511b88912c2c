"""JupyterLab on the unzipped handout, with all cells run by its own menu: the checks show in the page what they found.

All cells of assignment 6 take a minute or two; where a cell raises, JupyterLab runs none of those below it.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from autograder.authoring.handout import build_wheel, handout_zip
from autograder.course.layout import Course

COURSE = Course.find(Path(__file__).parent)
ASSIGNMENT = COURSE.assignment("a6")
START_SECONDS, RUN_SECONDS = 90, 540
# Every cell is in the page, not only those in sight; and nothing asks about news.
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The handout as a student has it after unzipping."""
    with zipfile.ZipFile(io.BytesIO(handout_zip(COURSE, ASSIGNMENT, build_wheel()))) as archive:
        archive.extractall(tmp_path)
    return tmp_path / ASSIGNMENT.name


@contextmanager
def lab(folder: Path) -> Iterator[str]:
    """JupyterLab on a folder, with settings of its own; its address, with the notebook open."""
    home, token = folder.parent / "home", secrets.token_hex(16)
    for name, settings in SETTINGS.items():
        path = home / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    own = {f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("CONFIG", "RUNTIME")}
    own |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces")}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    switches = ["--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    command = [sys.executable, "-m", "jupyterlab", *switches, f"--IdentityProvider.token={token}"]
    environment = {**os.environ, **own, "HOME": str(home)}
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/status?token={token}", server, home / "log")
        yield f"http://127.0.0.1:{port}/lab/tree/{ASSIGNMENT.notebooks[0]}?token={token}"
    finally:
        server.terminate()  # which ends its kernels too
        server.wait(30)


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


def run_all(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_text("(ipykernel) | Idle")).to_be_visible(timeout=120_000)  # else it asks for a kernel
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Run All Cells", exact=True).click()


def cell(page: Page, source: str) -> Locator:
    return page.locator(".jp-CodeCell", has=page.locator(".jp-InputArea").get_by_text(source)).first


def outputs(page: Page, source: str) -> Locator:
    return cell(page, source).locator(".jp-OutputArea-output").last


def test_with_the_solution_every_check_says_that_it_passes(folder: Path, page: Page) -> None:
    module = ASSIGNMENT.files[0]
    shutil.copy(COURSE.solution(ASSIGNMENT) / module, folder / module)
    with lab(folder) as address:
        run_all(page, address)
        for question in ASSIGNMENT.questions:
            said = outputs(page, f'grader.check("{question.id}")')
            words = "passed" if not question.budgets else question.id  # times are what they are on this machine
            expect(said).to_contain_text(words, timeout=RUN_SECONDS * 1000)
            assert question.budgets or "failed" not in said.inner_text()
        assert page.locator(".jp-RenderedImage img").count() >= 4
    for name in ASSIGNMENT.artifacts:
        assert (folder / name).is_file()


def test_with_the_stub_the_first_check_says_what_is_to_do(folder: Path, page: Page) -> None:
    with lab(folder) as address:
        run_all(page, address)
        first = ASSIGNMENT.questions[0].id
        expect(page.locator(".jp-OutputArea-output").get_by_text("NotImplementedError").first).to_be_visible(
            timeout=RUN_SECONDS * 1000
        )
        check = cell(page, f'grader.check("{first}")')
        check.locator(".jp-InputArea-editor").click()
        page.keyboard.press("Shift+Enter")
        expect(outputs(page, f'grader.check("{first}")')).to_contain_text("not attempted", timeout=60_000)
