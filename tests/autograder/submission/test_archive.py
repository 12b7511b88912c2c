"""Archives: what is taken, what is left out with a note, what makes a submission unreadable."""

from __future__ import annotations

import os
import struct
import tracemalloc
import warnings
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.errors import ArchiveError
from autograder.submission.archive import ArchiveLimits, Files, read_submission
from autograder.submission.names import Refused, member_path

from .samples import MODULE, Zip, zipped

MIB = 1024 * 1024


def noted(files: Files, *words: str) -> bool:
    """Whether one note holds all these words."""
    return any(all(word in note for word in words) for note in files.notes)


def test_takes_what_grading_uses_and_says_what_it_did_not(make_zip: Zip) -> None:
    files = read_submission(make_zip({"m.py": MODULE, "w.pt": b"x", "report.pdf": b"%PDF", "pytest.ini": b"[pytest]"}))
    assert dict(files) == {"m.py": MODULE, "w.pt": b"x"}
    assert noted(files, "not used", "report.pdf", "pytest.ini")


@pytest.mark.parametrize(
    "name",
    ["../up.py", "a/../../up.py", "/etc/up.py", "C:/up.py", "c:\\up.py", "..\\up.py", "\\up.py", "a\\..\\..\\up.py"],
)
def test_names_that_lead_elsewhere_are_left_out(make_zip: Zip, name: str) -> None:
    files = read_submission(make_zip({"m.py": MODULE, name: b"evil"}))
    assert list(files) == ["m.py"]
    assert noted(files, "up.py", "left out")


def test_backslashes_of_an_old_windows_zip_are_separators(make_zip: Zip) -> None:
    files = read_submission(make_zip({"a6\\m.py": MODULE}))
    assert dict(files) == {"a6/m.py": MODULE}
    assert noted(files, "backslashes")


@pytest.mark.parametrize(
    "name", ["a\x1b[31m.py", "a\u202e.py", "a" * 300 + ".py", "/".join("abcdefghijklmnop") + ".py"]
)
def test_odd_long_and_deep_names_are_left_out_and_shown_safely(make_zip: Zip, name: str) -> None:
    files = read_submission(make_zip({"m.py": MODULE, name: b""}))
    assert list(files) == ["m.py"]
    assert noted(files, "left out")
    assert all(note.isprintable() and len(note) < 200 for note in files.notes)


def test_what_follows_a_nul_in_a_name_does_not_hide(make_zip: Zip) -> None:
    data = zipped({"m.pyXevil.py": b"evil"}).replace(b"m.pyXevil.py", b"m.py\0evil.py")
    path = make_zip({"m.py": MODULE})
    path.write_bytes(data)
    assert "m.py" not in read_submission(path)


@pytest.mark.parametrize(
    "mode, what", [(0o120777, "link"), (0o010644, "plain"), (0o060644, "plain"), (0o140644, "plain")]
)
def test_links_and_special_files_in_a_zip_are_left_out(tmp_path: Path, mode: int, what: str) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("m.py")
        info.create_system, info.external_attr = 3, mode << 16
        archive.writestr(info, "/etc/passwd")
    files = read_submission(path)
    assert not files
    assert noted(files, "m.py", what)


def test_of_two_members_with_one_name_the_later_counts(make_zip: Zip) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns its writer, us here
        path = make_zip([("m.py", b"first"), ("m.py", b"second")])
    files = read_submission(path)
    assert files["m.py"] == b"second"
    assert noted(files, "m.py", "twice")


def test_names_that_differ_in_case_only_collide(make_zip: Zip) -> None:
    files = read_submission(make_zip([("M.py", b"first"), ("m.py", b"second")]))
    assert dict(files) == {"m.py": b"second"}
    assert noted(files, "M.py", "upper and lower case")


def test_a_file_where_a_folder_is_expected(make_zip: Zip) -> None:
    files = read_submission(make_zip({"m.py": MODULE, "m.py/inner.py": b""}))
    assert list(files) == ["m.py"]
    assert noted(files, "inner.py", "folder should be")


def test_composed_and_decomposed_korean_are_one_name(make_zip: Zip) -> None:
    files = read_submission(make_zip([("\u1112\u1161\u11ab.py", b"first"), ("\ud55c.py", b"second")]))
    assert dict(files) == {"\ud55c.py": b"second"}


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_names_in_the_encodings_of_korean_machines(make_zip: Zip, encoding: str) -> None:
    raw = "과제.py".encode(encoding)
    path = make_zip({"x" * len(raw): MODULE})
    path.write_bytes(path.read_bytes().replace(b"x" * len(raw), raw))
    assert list(read_submission(path)) == ["과제.py"]


@pytest.mark.parametrize(
    "litter",
    ["__MACOSX/._m.py", ".DS_Store", ".ipynb_checkpoints/m.py", "a/__pycache__/m.cpython-311.pyc", ".git/HEAD.txt",
     "m.py:Zone.Identifier", "__MACOSX\\._m.py", "Thumbs.db"],
)  # fmt: skip
def test_litter_goes_without_a_word(make_zip: Zip, litter: str) -> None:
    files = read_submission(make_zip({"m.py": MODULE, litter: b"x"}))
    assert (list(files), files.notes) == (["m.py"], ())


@pytest.mark.parametrize(
    "name, what", [("m.pyc", "compiled"), ("inner.zip", "archive inside"), ("fast.so", "compiled")]
)
def test_compiled_code_and_inner_archives_are_noted(make_zip: Zip, name: str, what: str) -> None:
    files = read_submission(make_zip({name: b"x"}))
    assert not files
    assert noted(files, name, what)


def test_a_zip_around_nothing_but_a_zip_stands_for_it(make_zip: Zip) -> None:
    inner = zipped({"A6/m.py": MODULE})
    files = read_submission(make_zip({"kim/inner.zip": inner, "__MACOSX/kim/._inner.zip": b"x", "readme.pdf": b"%PDF"}))
    assert dict(files) == {"A6/m.py": MODULE}
    assert noted(files, "kim/inner.zip", "it was opened")


@pytest.mark.parametrize("beside", [{"m.py": MODULE}, {"m.ipynb": b"{}"}, {"other.zip": zipped({"m.py": MODULE})}])
def test_a_zip_beside_other_work_is_not_opened(make_zip: Zip, beside: dict[str, bytes]) -> None:
    files = read_submission(make_zip({"inner.zip": zipped({"n.py": MODULE}), **beside}))
    assert "n.py" not in files
    assert noted(files, "inner.zip", "is not opened")


def test_zips_are_opened_one_deep(make_zip: Zip) -> None:
    files = read_submission(make_zip({"a.zip": zipped({"b.zip": zipped({"m.py": MODULE})})}))
    assert not files
    assert noted(files, "b.zip", "is not opened")


def test_a_zip_inside_is_bounded_like_one_outside(make_zip: Zip) -> None:
    limits = ArchiveLimits(members=5)
    with pytest.raises(ArchiveError, match="more than 5 files"):
        read_submission(make_zip({"a.zip": zipped({f"{number}.py": b"" for number in range(9)})}), limits)
    bomb = zipped({"m.py": b" " * (8 << 20)})
    files = read_submission(make_zip({"a.zip": bomb}))
    assert noted(files, "m.py", "left out")


def test_encrypted_and_unusually_packed_members_are_left_out(tmp_path: Path, make_zip: Zip) -> None:
    path = make_zip({"m.py": MODULE})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    data[6] |= 1
    path.write_bytes(data)
    assert noted(read_submission(path), "m.py", "encrypted")
    packed = tmp_path / "lzma.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("m.py", MODULE)
    assert noted(read_submission(packed), "m.py", "unusual")


def test_a_damaged_member_is_left_out_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bad.py", b"A" * 50)
        archive.writestr("m.py", MODULE)
    path.write_bytes(path.read_bytes().replace(b"A" * 50, b"A" * 49 + b"B"))
    files = read_submission(path)
    assert list(files) == ["m.py"]
    assert noted(files, "bad.py", "damaged")


@pytest.mark.parametrize(
    "data, why",
    [(b"", "empty"), (b"not a zip", "not a zip"), (zipped({"m.py": MODULE})[:-30], "cut off"),
     (b"Rar!\x1a\x07\x00rest", "RAR"), (b"\x1f\x8b\x08rest", "gzip"), (b"PK\x05\x06", "cut off")],
)  # fmt: skip
def test_what_is_no_zip_is_refused_in_one_line(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "s.zip"
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match=why) as caught:
        read_submission(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("s.zip: ")


def test_members_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    """The directory names one packed file many times over, under names of its own."""
    data = zipped({f"m{i}.py": b"x" for i in range(2)})
    first = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", first + 1)
    data = data[: second + 42] + struct.pack("<I", 0) + data[second + 46 :]
    path = tmp_path / "s.zip"
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match="overlap"):
        read_submission(path)


def test_a_bomb_by_ratio_costs_nothing(make_zip: Zip) -> None:
    path = make_zip({"m.py": MODULE, "w.pt": bytes(30 * MIB)})
    tracemalloc.start()
    files = read_submission(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert list(files) == ["m.py"]
    assert noted(files, "w.pt", "unpacks to far more")
    assert peak < 4 * MIB


def test_a_member_that_lies_about_its_size_is_cut_short(make_zip: Zip) -> None:
    path = make_zip({"m.py": os.urandom(1000) * 200})
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 10)
    path.write_bytes(data)
    files = read_submission(path)
    assert noted(files, "m.py", "damaged")


def test_bombs_by_count_and_by_total_are_refused(make_zip: Zip) -> None:
    many = make_zip({f"{i}.txt": b"" for i in range(30)}, "many.zip")
    with pytest.raises(ArchiveError, match="more than 20 files"):
        read_submission(many, ArchiveLimits(members=20))
    big = make_zip({f"{i}.py": b"x" * 500 for i in range(5)}, "big.zip")
    with pytest.raises(ArchiveError, match="holds more than"):
        read_submission(big, ArchiveLimits(total_bytes=2000))


def test_a_huge_directory_is_refused_before_it_is_read(make_zip: Zip) -> None:
    path = make_zip({f"{i:04}" + "n" * 200: b"" for i in range(3000)})
    with pytest.raises(ArchiveError, match="directory is too large"):
        read_submission(path, ArchiveLimits(members=1))


def test_what_is_too_large_is_left_out(make_zip: Zip, tmp_path: Path) -> None:
    limits = ArchiveLimits(small_bytes=100, file_bytes=1000)
    members = {"big.py": os.urandom(200), "m.py": b"x", "w.pt": os.urandom(900)}
    path = make_zip(members)
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, data in members.items():
        (folder / name).write_bytes(data)
    for source in (path, folder):
        files = read_submission(source, limits)
        assert sorted(files) == ["m.py", "w.pt"]
        assert noted(files, "big.py", "larger than")


def test_notes_are_bounded(make_zip: Zip) -> None:
    files = read_submission(make_zip({f"../{i}.py": b"" for i in range(500)}))
    assert len(files.notes) <= 21
    assert noted(files, "480 notes more")


def test_times_come_with_a_zone_where_the_zip_tells_one(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    at = datetime(2022, 12, 2, 14, 0, tzinfo=UTC)
    with zipfile.ZipFile(path, "w") as archive:
        for name, extra in {"unix.py": struct.pack("<HHBi", 0x5455, 5, 1, int(at.timestamp())), "dos.py": b""}.items():
            info = zipfile.ZipInfo(name, (2022, 12, 2, 23, 0, 0))
            info.extra = extra
            archive.writestr(info, b"x")
        archive.writestr(zipfile.ZipInfo("none.py"), b"x")
    assert read_submission(path).modified == {"unix.py": at, "dos.py": datetime(2022, 12, 2, 23, 0)}


def test_a_folder_is_read_without_links_pipes_or_sockets(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "m.py").write_bytes(MODULE)
    (tmp_path / "secret.py").write_text("secret")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "s.py").write_text("secret")
    (folder / "link.py").symlink_to(tmp_path / "secret.py")
    (folder / "linked").symlink_to(tmp_path / "secrets")
    (folder / "dangling.py").symlink_to(tmp_path / "nothing")
    os.mkfifo(folder / "pipe.py")
    files = read_submission(folder)
    assert dict(files) == {"sub/m.py": MODULE}
    for name in ("link.py", "linked", "dangling.py"):
        assert noted(files, name, "a link")
    assert noted(files, "pipe.py", "not a plain file")
    assert files.modified["sub/m.py"].tzinfo is UTC


def test_a_folder_too_deep_or_too_full(tmp_path: Path) -> None:
    deep = tmp_path / "s" / Path(*"abcdefghijklmnopq")
    deep.mkdir(parents=True)
    (deep / "m.py").write_bytes(MODULE)
    files = read_submission(tmp_path / "s")
    assert not files
    assert noted(files, "too deep")
    for i in range(30):
        (tmp_path / "s" / f"{i}.txt").touch()
    with pytest.raises(ArchiveError, match="more than 20 files"):
        read_submission(tmp_path / "s", ArchiveLimits(members=20))


def test_folder_names_in_another_encoding(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    with open(os.fsencode(folder) + b"/" + "과제.py".encode("cp949"), "wb") as file:
        file.write(MODULE)
    assert dict(read_submission(folder)) == {"과제.py": MODULE}


def test_a_folder_inside_that_is_shut_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Access rights as an ordinary user meets them, who may not be the one that runs this test."""
    for name in ("s/m.py", "s/shut/n.py", "s/closed.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(MODULE)
    real = os.open

    def refuse(path: str | bytes, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if str(path).endswith(("shut", "closed.py")):
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    files = read_submission(tmp_path / "s")
    assert list(files) == ["m.py"]
    assert noted(files, "shut", "Permission denied")
    assert noted(files, "closed.py", "Permission denied")


def test_neither_a_file_nor_there(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(ArchiveError, match="neither"):
        read_submission(tmp_path / "pipe.zip")
    with pytest.raises(ArchiveError, match="no such"):
        read_submission(tmp_path / "nothing.zip")


ORDINARY = zipped({"two_layers.py": MODULE * 20, "a/b.py": b"x" * 3000, "w.pt": os.urandom(400), "n.ipynb": b"{}"})
FUZZ = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_bytes(path: Path, data: bytes) -> None:
    """Read `data` as a zip; anything but success or ArchiveError fails the test."""
    path.write_bytes(data)
    tracemalloc.start()
    try:
        files = read_submission(path, ArchiveLimits(total_bytes=MIB, file_bytes=MIB // 2, small_bytes=MIB // 2))
        for name in files:
            assert not name.startswith("/")
            assert not {"..", ".", ""} & set(name.split("/"))
    except ArchiveError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8 * MIB


@FUZZ
@given(st.binary(max_size=300))
def test_random_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    read_bytes(tmp_path / "s.zip", data)
    read_bytes(tmp_path / "s.zip", b"PK\x03\x04" + data + b"PK\x05\x06" + data[:18].ljust(18, b"\0"))


@FUZZ
@given(st.lists(st.tuples(st.integers(0, len(ORDINARY) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_mutated_zips_are_read_or_refused(tmp_path: Path, changes: list[tuple[int, int]]) -> None:
    data = bytearray(ORDINARY)
    for place, value in changes:
        data[place] = value
    read_bytes(tmp_path / "s.zip", bytes(data))


@FUZZ
@given(
    st.lists(st.tuples(st.integers(0, 60 * 4 + 21), st.sampled_from([0, 1, 0x7F, 0xFF, 0x80])), min_size=1, max_size=6)
)
def test_mutated_directories_are_read_or_refused(tmp_path: Path, changes: list[tuple[int, int]]) -> None:
    data = bytearray(ORDINARY)
    for place, value in changes:
        data[len(data) - 1 - place] = value
    read_bytes(tmp_path / "s.zip", bytes(data))


@given(st.text(max_size=60))
def test_a_path_that_is_taken_stays_inside(name: str) -> None:
    try:
        path = member_path(name, depth=12, name_bytes=240)
    except Refused:
        return
    assert not Path(path).is_absolute()
    assert "\\" not in path
    assert not {"..", ".", ""} & set(path.split("/"))
    assert member_path(path, depth=12, name_bytes=240) == path
