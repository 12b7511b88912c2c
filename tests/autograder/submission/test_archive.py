"""Archives: what is taken, what is left out with a note, what makes a submission unreadable."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import tracemalloc
import warnings
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.errors import ArchiveError
from autograder.submission.paths import Refused, member_path
from autograder.submission.receive.archive import ArchiveLimits, Files, read_submission

from .samples import MODULE, Zip, zipped

MIB = 1024 * 1024


def noted(files: Files, *words: str) -> bool:
    """Whether one note holds all these words."""
    return any(all(word in note for word in words) for note in files.notes)


def test_takes_what_grading_uses_and_says_what_it_did_not(make_zip: Zip) -> None:
    files = read_submission(make_zip({"m.py": MODULE, "w.pt": b"x", "report.pdf": b"%PDF", "pytest.ini": b"[pytest]"}))
    assert dict(files) == {"m.py": MODULE, "w.pt": b"x"}
    assert noted(files, "not used", "report.pdf", "pytest.ini")


@pytest.mark.parametrize("name", ["../up.py", "a/../../up.py", "..\\up.py", "/../up.py", "a\\..\\..\\up.py"])
def test_names_that_lead_elsewhere_are_left_out(make_zip: Zip, name: str) -> None:
    files = read_submission(make_zip({"m.py": MODULE, name: b"evil"}))
    assert list(files) == ["m.py"]
    assert noted(files, "up.py", "left out")


@pytest.mark.parametrize("name", ["/home/kim/m.py", "C:/home/kim/m.py", "c:\\home\\kim\\m.py", "//home/kim/m.py"])
def test_an_absolute_name_loses_its_root(make_zip: Zip, name: str) -> None:
    files = read_submission(make_zip({name: MODULE}))
    assert dict(files) == {"home/kim/m.py": MODULE}
    assert noted(files, "home/kim/m.py", "absolute")


def test_of_two_that_differ_in_case_the_one_that_is_asked_for_counts(make_zip: Zip) -> None:
    for members in ({"m.py": MODULE, "M.py": b"other"}, {"M.py": b"other", "m.py": MODULE}):
        files = read_submission(make_zip(members), asked=["m.py"])
        assert dict(files) == {"m.py": MODULE}
        assert noted(files, "upper and lower case")


def test_zeros_before_a_zip_are_no_interrupted_copy(make_zip: Zip) -> None:
    path = make_zip({"m.py": MODULE})
    path.write_bytes(b"\0" * 5000 + path.read_bytes())
    assert dict(read_submission(path)) == {"m.py": MODULE}
    path.write_bytes(b"\0" * 5000)
    with pytest.raises(ArchiveError, match="only zeros"):
        read_submission(path)


def test_an_archive_inside_a_folder_is_opened_or_not(make_zip: Zip, tmp_path: Path) -> None:
    (tmp_path / "kim").mkdir()
    for name in ("a", "b"):
        (tmp_path / f"kim/{name}.zip").write_bytes(make_zip({"m.py": MODULE}).read_bytes())
    files = read_submission(tmp_path / "kim")
    assert noted(files, "a.zip", "it was opened")
    assert not noted(files, "a.zip", "is not opened")


def test_backslashes_of_an_old_windows_zip_are_separators(make_zip: Zip) -> None:
    files = read_submission(make_zip({"a6\\m.py": MODULE}))
    assert dict(files) == {"a6/m.py": MODULE}
    assert noted(files, "backslashes")


@pytest.mark.parametrize("name", ["a\x1b[31m.py", "a" * 300 + ".py", "/".join("abcdefghijklmnop" * 3) + ".py"])
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
    assert noted(files, "inner.py", "name of its folder")


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


@pytest.mark.parametrize("beside", [{"m.py": MODULE}, {"m.ipynb": b"{}"}])
def test_a_zip_beside_other_work_is_not_opened(make_zip: Zip, beside: dict[str, bytes]) -> None:
    files = read_submission(make_zip({"inner.zip": zipped({"n.py": MODULE}), **beside}))
    assert "n.py" not in files
    assert noted(files, "inner.zip", "is not opened")


def test_several_zips_inside_have_a_folder_each(make_zip: Zip, tmp_path: Path) -> None:
    members = {"a/code.zip": zipped({"m.py": MODULE}), "weights.zip": zipped({"w.pt": b"x"}), "r.pdf": b"%PDF"}
    (tmp_path / "folder/a").mkdir(parents=True)
    for name, data in members.items():
        (tmp_path / "folder" / name).write_bytes(data)
    with tarfile.open(tmp_path / "work.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "folder", ".")
    for source in (make_zip(members), tmp_path / "folder", tmp_path / "work.tar.gz"):
        files = read_submission(source)
        assert dict(files) == {"a/code/m.py": MODULE, "weights/w.pt": b"x"}
        assert noted(files, "a/code.zip", "it was opened")
        assert not noted(files, "a/code.zip", "is not opened")


def test_a_zip_inside_is_bounded_like_one_outside(make_zip: Zip) -> None:
    limits = ArchiveLimits(entries=5)
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
    for method, name in ((9, "Deflate64"), (93, "Zstandard"), (77, "method 77")):
        data = bytearray(zipped({"m.py": MODULE}))
        data[8] = data[data.index(b"PK\x01\x02") + 10] = method
        path.write_bytes(data)
        files = read_submission(path)
        assert noted(files, "m.py", name)
        assert name in files.left_out["m.py"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_way_to_pack_that_python_knows_is_read(tmp_path: Path, method: int) -> None:
    data = os.urandom(3000) * 200
    packed = tmp_path / "s.zip"
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("m.py", MODULE)
        archive.writestr("w.pt", data)
        archive.writestr("empty.py", b"")
    assert dict(read_submission(packed)) == {"empty.py": b"", "m.py": MODULE, "w.pt": data}
    damaged = bytearray(packed.read_bytes())
    damaged[damaged.index(b"w.pt") + 30] ^= 1
    packed.write_bytes(damaged)
    assert noted(read_submission(packed), "w.pt", "damaged")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_that_lies_costs_little_however_it_is_packed(tmp_path: Path, method: int) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("m.py", bytes(64 * MIB))
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 10)
    path.write_bytes(data)
    tracemalloc.start()
    files = read_submission(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not files
    assert peak < 16 * MIB


@pytest.mark.parametrize("behind", [b"\0" * 70_000, b"<!-- a page -->" * 20_000, b"PK\x05\x06", b"x"])
def test_what_stands_before_and_behind_a_zip_does_not_matter(tmp_path: Path, behind: bytes) -> None:
    path = tmp_path / "s.zip"
    path.write_bytes(b"MZ" + bytes(5000) + zipped({"m.py": MODULE}) + behind)
    assert dict(read_submission(path)) == {"m.py": MODULE}


def test_a_zip64_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w", allowZip64=True) as archive, archive.open("m.py", "w", force_zip64=True) as file:
        file.write(MODULE)
    assert dict(read_submission(path)) == {"m.py": MODULE}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_is_read_whatever_it_is_called(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "s.zip"
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in {"a6/w.pt": b"x", "a6/m.py": MODULE, "../up.py": b"", "a6/.venv/x.py": b""}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("a6/link.py")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    files = read_submission(path)
    assert dict(files) == {"a6/m.py": MODULE, "a6/w.pt": b"x"}
    assert noted(files, "s.zip", "a tar archive")
    assert noted(files, "link.py", "a link")
    assert noted(files, "up.py", "leads out")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ArchiveError, match=r"^s\.zip: "):
        read_submission(path)


def test_what_is_asked_for_has_room_whatever_lies_beside_it(make_zip: Zip, tmp_path: Path) -> None:
    members = {f"a/checkpoints/{i}.pt": os.urandom(300) for i in range(9)} | {
        "m.py": MODULE,
        "a/best (1).pt": b"y" * 500,
    }
    members |= {f".venv/lib/{i}.py": b"" for i in range(60)} | {f"a/{i}.h": b"" for i in range(60)}
    limits = ArchiveLimits(total_bytes=2000, spare_bytes=700, members=50)
    for name, data in members.items():
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(data)
    for source in (make_zip(members), tmp_path / "folder"):
        files = read_submission(source, limits, ["m.py", "best.pt"])
        assert {"m.py", "a/best (1).pt"} < set(files)
        assert len(files) == 4
        assert noted(files, "data that the assignment does not ask for", "and 4 more")
        assert noted(files, "not used in grading", "and 57 more")
        assert [note for note in files.notes if ".venv" in note] == [".venv: left out: installed packages"]


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
     (b"Rar!\x1a\x07\x00rest", "RAR"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"%PDF-1.4", "PDF"), (bytes(300), "zeros"),
     (b"<!DOCTYPE html><html>", "web page"), (b"EGGA\0", "EGG"),
     (b"\x1f\x8b\x08rest", "gzip"), (b"PK\x05\x06", "cut off")],
)  # fmt: skip
def test_what_is_no_zip_is_refused_in_one_line(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "s.zip"
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match=why) as caught:
        read_submission(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("s.zip: ")


def test_a_zip_cut_off_behind_a_checkpoint_is_not_the_checkpoint(tmp_path: Path) -> None:
    """A .pt file is a zip of its own."""
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w.pt", zipped({"w/data.py": b"x"}))
        archive.writestr("m.py", MODULE)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"m.py")])
    with pytest.raises(ArchiveError, match=r"^s\.zip: a zip that is cut off$"):
        read_submission(path)
    path.write_bytes(zipped({}))
    assert not read_submission(path)


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


def test_bombs_by_count_are_refused_and_what_is_too_much_is_left_out(make_zip: Zip) -> None:
    many = make_zip({f"{i}.txt": b"" for i in range(30)}, "many.zip")
    with pytest.raises(ArchiveError, match="more than 20 files"):
        read_submission(many, ArchiveLimits(entries=20))
    assert noted(read_submission(many, ArchiveLimits(members=20)), "beyond 20 files", "and 7 more")
    big = make_zip({f"{i}.py": b"x" * 500 for i in range(5)}, "big.zip")
    files = read_submission(big, ArchiveLimits(total_bytes=2000))
    assert len(files) == 4
    assert noted(files, "left out", "4.py")


def test_a_huge_directory_is_refused_before_it_is_read(make_zip: Zip) -> None:
    path = make_zip({f"{i:04}" + "n" * 200: b"" for i in range(3000)})
    with pytest.raises(ArchiveError, match="directory is too large"):
        read_submission(path, ArchiveLimits(entries=1))


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
    assert noted(files, "480 more notes")


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
    deep = tmp_path / "s" / Path(*"abcdefghijklmnopq" * 2)
    deep.mkdir(parents=True)
    (deep / "m.py").write_bytes(MODULE)
    files = read_submission(tmp_path / "s")
    assert not files
    assert noted(files, "too deep")
    for i in range(30):
        (tmp_path / "s" / f"{i}.txt").touch()
    with pytest.raises(ArchiveError, match="more than 20 files"):
        read_submission(tmp_path / "s", ArchiveLimits(entries=20))


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
