"""Archives inside archives: opened where it is clear, within limits, and named where not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from autograder.course.model import Assignment
from autograder.submission.receive.archive import ArchiveLimits, read_submission

from .samples import MODULE, zipped
from .test_find import MOODLE, STUDENTS, Z, opened, passed, put, rows, tarred, work

NAME = "kim-1-A6-O1"


def wrapped(data: bytes, times: int) -> bytes:
    for number in range(times):
        inner = {f"inner {number}.zip": data}
        data = zipped(inner) if number % 2 else tarred(inner)
    return data


@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_an_archive_that_is_all_there_is_is_opened(tmp_path: Path, assignment: Assignment, times: int) -> None:
    inner = wrapped(zipped(work("1")), times)
    inbox = opened(put(tmp_path / "in", {f"{NAME}.zip": inner, "lee-2-A6-O1/work.zip": inner}), assignment)
    assert rows(inbox) == {NAME: "kim", "lee-2-A6-O1": "lee"}
    assert inbox.receive(NAME).notebooks


def test_one_too_deep_is_named_as_the_reason(tmp_path: Path, assignment: Assignment) -> None:
    received = opened(put(tmp_path / "in", {f"{NAME}.zip": wrapped(Z["1"], 5)}), assignment).receive(NAME)
    (why,) = set(received.unread.values())
    assert why.startswith("it may be in inner 4/inner 3/inner 2/inner 1/inner 0.zip: archives more than 4 deep")


@pytest.mark.parametrize("code", ["code.tar.gz", "code.tgz", "code.tar", "code.tar.xz", "a6/code.tar.bz2"])
@pytest.mark.parametrize("beside", [{}, {"checkpoints.zip": zipped({"best_layers.pt": b"1"})}, {"try.py": b"x = 1"}])
def test_a_tar_inside_is_opened_like_a_zip(
    tmp_path: Path, assignment: Assignment, code: str, beside: dict[str, bytes]
) -> None:
    mode = "w:" + code.split(".")[-1].replace("tgz", "gz").removeprefix("tar")
    files = {code: tarred(work("1"), mode), **beside}
    put(tmp_path / "in", {f"{NAME}.zip": zipped(files), "han-3-A6-O1.tar.gz": tarred(files)})
    put(tmp_path / "in/lee-2-A6-O1", files)
    inbox = opened(tmp_path / "in", assignment)
    assert rows(inbox) == {NAME: "kim", "han-3-A6-O1": "han", "lee-2-A6-O1": "lee"}
    for name in inbox.entries:
        received = inbox.receive(name)
        assert bool(received.artifacts) == ("checkpoints.zip" in beside)
        assert not any("is not opened" in note for note in received.info.notes)


def test_an_artifact_in_a_zip_beside_the_module_is_taken(tmp_path: Path, assignment: Assignment) -> None:
    """The module beside the zip stays the one that is graded, also if the zip holds another version."""
    older = {**work("9"), "best_layers.pt": b"1"}
    for weights in (zipped({"best_layers.pt": b"1"}), tarred({"out/best_layers.pt": b"1"}), zipped(older)):
        files = {**work("1"), "weights.zip": weights}
        folder = put(tmp_path / "in", {f"{NAME}.zip": zipped(files)})
        put(tmp_path / "in/lee-2-A6-O1", files)
        inbox = opened(folder, assignment)
        for name in inbox.entries:
            received = inbox.receive(name)
            assert received.artifacts == {"best_layers.pt": b"1"}
            assert received.files["two_layers.py"] == files["two_layers.py"]
            assert received.notebooks["two_layers.ipynb"] == files["two_layers.ipynb"]


@pytest.mark.parametrize("beside", [{}, {"try.py": b"x = 1\n"}, {"old.zip": zipped({"notes.txt": b"x"})}])
def test_an_archive_that_cannot_be_opened_is_the_reason(
    tmp_path: Path, assignment: Assignment, beside: dict[str, bytes]
) -> None:
    files = {"code.7z": b"7z\xbc\xaf", **beside}
    put(tmp_path / "in", {f"{NAME}.zip": zipped(files)})
    put(tmp_path / "in", {f"lee-2-A6-O1/{name}": data for name, data in files.items() if beside})
    inbox = opened(tmp_path / "in", assignment)
    for name in inbox.entries:
        (why,) = set(inbox.receive(name).unread.values())
        assert (
            why
            == "it may be in code.7z: an archive inside the submission, of a kind that cannot be opened; wanted a zip"
        )


def test_an_archive_that_was_opened_in_vain_is_no_reason(tmp_path: Path, assignment: Assignment) -> None:
    files = {"old.zip": zipped({"notes.txt": b"x"}), "try.py": b"x = 1\n"}
    inbox = opened(put(tmp_path / "in", {f"{NAME}.zip": zipped(files), f"lee-2-A6-O1/{NAME}.txt": b""}), assignment)
    assert inbox.receive(NAME).unread == {}
    put(tmp_path / "in/lee-2-A6-O1", files)
    assert inbox.receive("lee-2-A6-O1").unread == {}


def test_several_peoples_archives_deep_inside_are_nobodys_work(tmp_path: Path, assignment: Assignment) -> None:
    both = {"lee-2-A6-O1.zip": Z["2"], "han-3-A6-O1.zip": Z["3"]}
    files = {
        f"{NAME}.zip": zipped({"a.zip": zipped(both)}),
        "yu-4-A6-O1.zip": zipped({f"x/{n}": d for n, d in both.items()}),
    }
    inbox = opened(put(tmp_path / "in", files), assignment)
    assert rows(inbox) == {NAME: "missing", "yu-4-A6-O1": "missing"}
    for name in inbox.entries:
        (why,) = set(inbox.receive(name).unread.values())
        assert "several people's archives" in why


@pytest.mark.parametrize("times", [1, 2])
def test_a_class_in_archives_of_archives_is_taken_apart(tmp_path: Path, assignment: Assignment, times: int) -> None:
    data = zipped(MOODLE)
    for _ in range(times):
        data = zipped({"download/A6.zip": data, "README.md": b""})
    folder = put(tmp_path / "in", {"all.zip": data})
    inbox = opened(folder, assignment)
    assert rows(inbox) == STUDENTS
    assert len(passed(inbox)) == times
    assert rows(opened(folder / "all.zip", assignment)) == STUDENTS
    one = zipped({"a6.zip": zipped({"code.zip": Z["1"]})})
    assert rows(opened(put(tmp_path / "one", {"Kim Minsu.zip": one}), assignment)) == {"Kim Minsu": ""}


def test_what_archives_inside_archives_hold_is_bounded(tmp_path: Path) -> None:
    limits = ArchiveLimits(total_bytes=1 << 20)
    big = zipped({"w.bin": b"x"}) + b"\0" * (300 << 10)
    many = {f"{number}.zip": big for number in range(9)}
    path = put(tmp_path, {"s.zip": zipped({f"a{number}.zip": zipped(many) for number in range(9)})}) / "s.zip"
    files = read_submission(path, limits)
    assert sum("it was opened" in note for note in files.notes) < 16
    bomb = tarred({"m.py": MODULE, "z.bin": b"\0" * (32 << 20)})
    (tmp_path / "t.zip").write_bytes(zipped({"a.tar.gz": bomb, "b.tar.gz": tarred({"m.py": MODULE})}))
    began = time.process_time()
    files = read_submission(tmp_path / "t.zip", limits)
    assert time.process_time() - began < 5
    assert list(files) == ["b/m.py"]
    assert "far too much" in files.left_out["a.tar.gz"]
