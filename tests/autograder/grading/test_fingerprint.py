"""A fingerprint changes with what is handed in, and costs no more than grading could read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograder.grading import fingerprint


def test_a_sparse_file_is_not_read(tmp_path: Path) -> None:
    """200 GB would take minutes; here and in a zip's place."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/answer.py").write_text("x = 1")
    for place in (tmp_path / "folder/data.bin", tmp_path / "huge.zip"):
        with place.open("wb") as file:
            file.truncate(200 << 30)
    one, other = fingerprint.of_submission(tmp_path / "folder"), fingerprint.of_submission(tmp_path / "huge.zip")
    assert fingerprint.of_submission(tmp_path / "folder") == one != other
    (tmp_path / "folder/answer.py").write_text("x = 2")
    changed = fingerprint.of_submission(tmp_path / "folder")
    assert changed != one
    os.utime(tmp_path / "folder/data.bin", (1, 1))
    assert fingerprint.of_submission(tmp_path / "folder") != changed


def test_files_count_by_name_and_content_and_litter_does_not(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    prints = [fingerprint.of_submission(tmp_path)]
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    prints.append(fingerprint.of_submission(tmp_path))
    (tmp_path / "c").mkdir()
    (tmp_path / "c/d.py").write_text("1")
    prints.append(fingerprint.of_submission(tmp_path))
    (tmp_path / "c/.venv").mkdir()
    (tmp_path / "c/.venv/e.py").write_text("1")
    (tmp_path / "c/link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "c/pipe")
    assert fingerprint.of_submission(tmp_path) == prints[-1]
    assert len(set(prints)) == 3


def test_files_beyond_many_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "MAX_FILES", 3)
    for name in "abc":
        (tmp_path / name).write_text(name)
    before = fingerprint.of_submission(tmp_path)
    (tmp_path / "d").write_text("d")
    assert fingerprint.of_submission(tmp_path) == before
