"""Nobody vanishes: whatever a learning system or a person makes of a class's files, each becomes a row or is named."""

from __future__ import annotations

import io
import json
import os
import tarfile
import time
import unicodedata
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from autograder.course.model import Assignment
from autograder.errors import ArchiveError, UsageError
from autograder.submission.receive.archives import tar, unpack
from autograder.submission.receive.filename import parse_name
from autograder.submission.receive.inbox import Inbox

from .samples import MODULE, zipped

STUB = b"class Layer:\n    pass\n\n\ndef helper():\n    raise NotImplementedError\n"
CLEAN = {"two_layers.py": STUB, "common/__init__.py": b""}


def notebook(idnum: str) -> bytes:
    return json.dumps({"cells": [{"cell_type": "code", "source": f"idnum = {idnum!r}"}]}).encode()


def work(idnum: str = "") -> dict[str, bytes]:
    """One person's files, which differ from another's."""
    return {"two_layers.py": MODULE + f"# {idnum}\n".encode(), "two_layers.ipynb": notebook(idnum)}


def put(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def opened(path: Path, assignment: Assignment) -> Inbox:
    return Inbox.open(path, assignment, CLEAN, unpack_into=path.parent / ".received")


def rows(inbox: Inbox) -> dict[str, str]:
    """Name of each person by submission; "missing" where the module is."""
    received = {name: inbox.receive(name) for name in inbox.entries}
    return {name: each.info.name if each.modules else "missing" for name, each in received.items()}


def passed(inbox: Inbox) -> dict[str, str]:
    return {each.name: each.why for each in inbox.passed}


Z = {key: zipped(work(key)) for key in "1234"}
MOODLE = {f"Student {key}_5123{key}_assignsubmission_file_/s{key}-202299000{key}-A6-O1.zip": Z[key] for key in "123"}
STUDENTS = {f"s{key}-202299000{key}-A6-O1": f"Student {key}" for key in "123"}


def test_a_zip_of_everybodys_zips_is_taken_apart(tmp_path: Path, assignment: Assignment) -> None:
    folder = put(tmp_path / "in", {"all.zip": zipped(MOODLE)})
    assert rows(opened(folder, assignment)) == STUDENTS
    assert rows(opened(folder / "all.zip", assignment)) == STUDENTS
    assert rows(opened(put(tmp_path / "unzipped", MOODLE), assignment)) == STUDENTS


def test_a_zip_around_everything_and_a_single_hand_in(tmp_path: Path, assignment: Assignment) -> None:
    inside = {f"A6 download/{name}": data for name, data in MOODLE.items()} | {"A6 download/.DS_Store": b""}
    assert rows(opened(put(tmp_path / "in", {"all.zip": zipped(inside)}), assignment)) == STUDENTS
    (first, data), *_ = MOODLE.items()
    assert rows(opened(put(tmp_path / "one", {"all.zip": zipped({first: data})}), assignment)) == {
        "s1-2022990001-A6-O1": "Student 1"
    }


def tarred(files: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize("mode, end", [("w:gz", "tar.gz"), ("w:xz", "tar.xz"), ("w", "tar")])
def test_a_tar_of_everybodys_zips_is_taken_apart(tmp_path: Path, assignment: Assignment, mode: str, end: str) -> None:
    work_of_one = tarred(work("4"), mode)
    evil = {"../up-9-A6-O1.zip": Z["1"]}
    files = {f"all.{end}": tarred({**MOODLE, **evil}, mode), f"kim-4-A6-O1.{end}": work_of_one}
    for _ in range(2):  # the second run finds the unpacked folder of the first
        inbox = opened(put(tmp_path / "in", files), assignment)
        assert rows(inbox) == {**STUDENTS, "kim-4-A6-O1": "kim"}
        assert passed(inbox) == {f"all.{end}/../up-9-A6-O1.zip": "leads out of the submission"}
    assert not list(tmp_path.glob("up-9*"))


def test_a_tar_that_unpacks_to_far_too_much_is_read_no_further(
    tmp_path: Path, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []

    def counted(file: io.FileIO, name: str) -> object:
        listed.append(name)
        return tar.tar_files(file, name)

    monkeypatch.setattr(tar, "MAX_BYTES", 1 << 20)
    monkeypatch.setattr(unpack, "tar_files", counted)
    bombs = {f"work{key}.tar.bz2": tarred({"z.bin": bytes(2 << 20), **work(key)}, "w:bz2") for key in "123"}
    folder = put(tmp_path / "in", {"kim-4-A6-O1.zip": Z["4"], **bombs, "several.zip": zipped(bombs)})
    large = {f"{name}.bin": os.urandom(400 << 10) for name in "abcd"}
    inbox = opened(put(folder, {"all.tar.gz": tarred({**MOODLE, **large})}), assignment)
    assert sorted(inbox.entries) == ["kim-4-A6-O1", *STUDENTS, "work1", "work2", "work3"]
    for name in ("work1", "work2", "work3"):
        with pytest.raises(ArchiveError, match=rf"^{name}\.tar\.bz2: unpacks to far too much$"):
            inbox.receive(name)
    assert [each.name for each in inbox.passed if each.work] == ["several.zip"]
    assert sorted(listed) == ["all.tar.gz"] * 2 + [name for name in sorted(bombs) for _ in range(2)]


def test_a_tar_of_one_persons_work_stays_one(tmp_path: Path, assignment: Assignment) -> None:
    mine = tarred({f"a6/{name}": data for name, data in work("4").items()})
    assert list(rows(opened(put(tmp_path / "in", {"work.tar.gz": mine}), assignment))) == ["work"]
    cut = put(tmp_path / "cut", {"all.tar": tarred(MOODLE, "w")[:1100]})
    inbox = opened(cut, assignment)
    assert list(inbox.entries) == ["all"]
    with pytest.raises(ArchiveError, match="cut-off"):
        inbox.receive("all")


@pytest.mark.parametrize("name", ["student{}.zip", "A6_{}.zip", "{}/work.zip"])
def test_zips_whose_names_differ_only_in_a_number_are_told_apart_by_their_notebooks(
    tmp_path: Path, assignment: Assignment, name: str
) -> None:
    everybody = zipped({name.format(key): Z[key] for key in "123"})
    assert len(rows(opened(put(tmp_path / "in", {"all.zip": everybody}), assignment))) == 3
    versions = zipped({name.format(key): zipped({**work("4"), "more.txt": key.encode()}) for key in "12"})
    assert list(rows(opened(put(tmp_path / "one", {"all.zip": versions}), assignment))) == ["all"]
    unsigned = zipped({name.format(key): zipped({"two_layers.py": MODULE + key.encode()}) for key in "12"})
    inbox = opened(put(tmp_path / "unclear", {"all.zip": unsigned, "kim-1-A6-O1.zip": Z["1"]}), assignment)
    assert list(inbox.entries) == ["kim-1-A6-O1"]
    (found,) = inbox.passed
    assert (found.name, found.work) == ("all.zip", True)
    assert f"It holds {name.format(1).partition('/')[0]}, " in found.why


def test_a_zip_of_the_sections_zips_is_taken_apart(tmp_path: Path, assignment: Assignment) -> None:
    first, second, third = MOODLE.items()
    sections = zipped({"section1.zip": zipped(dict((first, second))), "section2.zip": zipped(dict((third,)))})
    assert rows(opened(put(tmp_path / "in", {"all.zip": sections}), assignment)) == STUDENTS


def stored(files: Mapping[str, bytes]) -> bytes:
    """A zip that packs nothing, as `zip` makes of zips."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_a_class_zip_that_is_cut_off_is_not_the_work_of_one_in_it(tmp_path: Path, assignment: Assignment) -> None:
    everybody = stored({f"s{key}-202299000{key}-A6-O1.zip": Z[key] for key in "123"})
    second = everybody.index(b"s3-2022990003-A6-O1.zip") - 30
    for length in (second, second + 100, len(everybody) - 30):
        path = put(tmp_path / str(length), {"class.zip": everybody[:length]}) / "class.zip"
        inbox = opened(path, assignment)
        assert list(inbox.entries) == ["class"]
        with pytest.raises(ArchiveError, match=r"^class\.zip: a zip that is cut off$"):
            inbox.receive("class")


@pytest.mark.parametrize("part", ["1-", "1", " ", "_1_"])
def test_endless_names_in_an_archive_are_looked_at_at_once(tmp_path: Path, assignment: Assignment, part: str) -> None:
    long = part * (60_000 // len(part))
    names = (f"{long}x.zip", f"{long}x", f"{long}.py", f"{long}x.py", "kim.zip", "lee.zip")
    folder = put(tmp_path / "in", {"all.zip": zipped(dict.fromkeys(names, Z["1"]))})
    began = time.process_time()
    inbox = opened(folder, assignment)
    assert time.process_time() - began < 2
    assert inbox.entries


def test_a_class_of_zips_is_refused_where_there_is_no_place_to_take_it_apart(
    tmp_path: Path, assignment: Assignment
) -> None:
    put(tmp_path, {"all.zip": zipped(MOODLE)})
    with pytest.raises(UsageError, match="several people's work"):
        Inbox.open(tmp_path / "all.zip", assignment)


@pytest.mark.parametrize("sections", [("section 1", "section 2"), ("a/deep/one", "b/deep/two")])
def test_sections_are_descended_into(tmp_path: Path, assignment: Assignment, sections: tuple[str, str]) -> None:
    people = {f"{sections[0]}/kim-1-A6-O1.zip": Z["1"], f"{sections[0]}/lee-2-A6-O1.zip": Z["2"]}
    people |= {f"{sections[1]}/park-3-A6-O1/{name}": data for name, data in work("3").items()}
    people |= {f"{sections[1]}/choi-4-A6-O1.zip": Z["4"], f"{sections[1]}/README.md": b""}
    inbox = opened(put(tmp_path / "in", people), assignment)
    assert sorted(rows(inbox).values()) == ["choi", "kim", "lee", "park"]
    assert passed(inbox) == {f"{sections[1]}/README.md": "neither a zip nor a folder"}


def test_names_without_a_form_are_told_apart_by_what_the_folders_hold(tmp_path: Path, assignment: Assignment) -> None:
    zips = {"section 1/kim.zip": Z["1"], "section 1/lee.zip": Z["2"]}
    assert sorted(rows(opened(put(tmp_path / "zips", zips), assignment))) == ["kim", "lee"]
    folders = {f"section/{who}/{name}": data for who in "12" for name, data in work(who).items()}
    assert sorted(rows(opened(put(tmp_path / "folders", folders), assignment))) == ["1", "2"]
    assert sorted(rows(opened(put(tmp_path / "zip", {"all.zip": zipped(folders)}), assignment))) == ["1", "2"]


def test_one_persons_versions_are_one_row(tmp_path: Path, assignment: Assignment) -> None:
    both = {f"kim/{version}/{name}": data for version in ("A6", "A6 old") for name, data in work("7").items()}
    both |= {f"lee-2-A6-O1/{version}.zip": Z["2"] for version in ("work", "work (1)", "other")}
    both |= {"park-3-A6-O1.zip": zipped({"part 1.zip": Z["3"], "part 2.zip": zipped({"w.pt": b"x"})})}
    assert sorted(rows(opened(put(tmp_path / "in", both), assignment))) == ["kim", "lee-2-A6-O1", "park-3-A6-O1"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_copy_that_a_korean_system_made_is_no_second_person(
    tmp_path: Path, assignment: Assignment, form: str
) -> None:
    copy = unicodedata.normalize(form, "work 복사본.zip")
    files = {"Kim Minsu/work.zip": Z["1"], f"Kim Minsu/{copy}": Z["1"], "Lee Jiwoo/work.zip": Z["2"]}
    assert list(rows(opened(put(tmp_path / "in", files), assignment))) == ["Kim Minsu", "Lee Jiwoo - work"]
    module = unicodedata.normalize(form, "two_layers 복사본.py")
    inbox = opened(put(tmp_path / "one", {f"kim/{module}": MODULE, "lee-2-A6-O1.zip": Z["2"]}), assignment)
    assert inbox.receive("kim").files == {"two_layers.py": MODULE}


def test_what_may_be_one_persons_or_several_peoples_is_named_and_not_graded(
    tmp_path: Path, assignment: Assignment
) -> None:
    unclear = {f"group b/{who}/two_layers.py": MODULE + who.encode() for who in ("x", "y")}
    inbox = opened(put(tmp_path / "in", {"kim-1-A6-O1.zip": Z["1"], **unclear}), assignment)
    assert list(inbox.entries) == ["kim-1-A6-O1"]
    (found,) = inbox.passed
    assert (found.name, found.work) == ("group b", True)
    assert "It holds x, y" in found.why


def test_the_layouts_of_learning_systems(tmp_path: Path, assignment: Assignment) -> None:
    files = {
        "Kim Minsu_51234_assignsubmission_file_/kim_minsu-2022990001-A6-O1.zip": Z["1"],
        "Kim Minsu_51234_assignsubmission_file_/report.pdf": b"%PDF-1.4\n",
        "Lee, Jiwoo(ljw2022)/Submission attachment(s)/work.zip": Z["2"],
        "Lee, Jiwoo(ljw2022)/timestamp.txt": b"20221201120000000",
        "Lee, Jiwoo(ljw2022)/comments.txt": b"",
        "48213-77012 - Park Doyun - Dec 1, 2022 1113 PM/a6.zip": Z["3"],
        "48213-77012 - Park Doyun - Dec 1, 2022 1113 PM/index.html": b"<html>",
        "index.html": b"<html>",
        "gradebook_GEV6135_A6_chy2022_attempt_2022-12-01-11-13-00_work.zip": Z["4"],
        "gradebook_GEV6135_A6_chy2022_attempt_2022-12-01-11-13-00.txt": b"Name: Choi Yuna",
    }
    inbox = opened(put(tmp_path / "in", files), assignment)
    assert sorted(rows(inbox).values()) == ["Jiwoo Lee", "Kim Minsu", "Park Doyun", "chy2022"]
    assert "report.pdf" in "".join(inbox.receive("kim_minsu-2022990001-A6-O1").info.notes)
    assert inbox.receive("kim_minsu-2022990001-A6-O1").info.id == "2022990001"
    assert set(passed(inbox)) == {"index.html", "gradebook_GEV6135_A6_chy2022_attempt_2022-12-01-11-13-00.txt"}


@pytest.mark.parametrize(
    "beside",
    [{"two_layers.ipynb": notebook("1")}, {"spare.ipynb": notebook("1")}, {"plots.py": b"x = 1\n", "readme.txt": b"hi"},
     {"weights/best_layers.pt": b"weights", "try.py": b"y = 1\n"}],
)  # fmt: skip
def test_a_zip_beside_other_source_is_opened_where_the_module_is_in_it(
    tmp_path: Path, assignment: Assignment, beside: dict[str, bytes]
) -> None:
    moodle, zip_in_zip = "Kim Minsu_51234_assignsubmission_file_", "lee-2-A6-O1.zip"
    files = {f"{moodle}/{name}": data for name, data in {**beside, "work.zip": Z["1"]}.items()}
    files |= {zip_in_zip: zipped({**beside, "a6/work.zip": Z["2"]})}
    inbox = opened(put(tmp_path / "in", files), assignment)
    assert rows(inbox) == {moodle: "Kim Minsu", "lee-2-A6-O1": "lee"}
    for name in inbox.entries:
        received = inbox.receive(name)
        assert received.notebooks
        assert bool(received.artifacts) == ("weights/best_layers.pt" in beside)
        assert "it was opened, since the module is not beside it" in "".join(received.info.notes)


def test_a_zip_beside_the_module_stays_closed(tmp_path: Path, assignment: Assignment) -> None:
    for name in ("two_layers.py", "hw6_kim.py"):
        folder = put(tmp_path / name, {"kim-1-A6-O1/old.zip": Z["2"], f"kim-1-A6-O1/{name}": MODULE})
        received = opened(folder, assignment).receive("kim-1-A6-O1")
        assert received.files == {"two_layers.py": MODULE}
        assert "old.zip: an archive inside the submission is not opened" in received.info.notes


def test_a_zip_in_the_courses_form_names_the_folder_around_it(tmp_path: Path, assignment: Assignment) -> None:
    moodle = "Kim Minsu_51234_assignsubmission_file_"
    files = {f"{moodle}/kim_minsu-2022990001-A6-O2.zip": Z["1"], f"{moodle}/spare.ipynb": notebook("7")}
    info = opened(put(tmp_path / "in", files), assignment).receive(moodle).info
    assert (info.name, info.id, info.option) == ("Kim Minsu", "2022990001", "2")


def test_a_learning_systems_full_name_wins_over_a_copied_notebook(tmp_path: Path, assignment: Assignment) -> None:
    signed = {**work("1"), "two_layers.ipynb": json.dumps(
        {"cells": [{"cell_type": "code", "source": 'name = "Somebody Else"\nidnum = "7"'}]}
    ).encode()}  # fmt: skip
    files = {
        "Kim Minsu_51234_assignsubmission_file_/final/version/work.zip": zipped(signed),
        "Kim Minsu_51234_assignsubmission_file_/report.pdf": b"%PDF-1.4\n",
        "Lee, Jiwoo(ljw2022)/Submission attachment(s)/work.zip": zipped(signed),
        "parkdoyun_125_461_work.zip": zipped(signed),
    }
    inbox = opened(put(tmp_path / "in", files), assignment)
    assert sorted(rows(inbox).values()) == ["Jiwoo Lee", "Kim Minsu", "Somebody Else"]


def test_files_that_were_handed_in_one_by_one_are_one_row(tmp_path: Path, assignment: Assignment) -> None:
    files = {f"kimminsu_123_45{n}_{name}": data for n, (name, data) in enumerate(work("1").items())}
    files |= {"leejiwoo_LATE_124_460_two_layers-1.py": MODULE, "parkdoyun_125_461_report.pdf": b"%PDF"}
    inbox = opened(put(tmp_path / "in", files), assignment)
    assert rows(inbox) == {"kimminsu_123_450_files": "kimminsu", "leejiwoo_LATE_124_460_files": "leejiwoo"}
    assert inbox.receive("kimminsu_123_450_files").notebooks
    assert inbox.receive("leejiwoo_LATE_124_460_files").info.late
    assert "by itself" in passed(inbox)["parkdoyun_125_461_report.pdf"]


def test_whatever_is_passed_over_is_named(tmp_path: Path, assignment: Assignment) -> None:
    folder = put(tmp_path / "in", {"kim-1-A6-O1.zip": Z["1"], "lee-2-A6-O1.rar": b"Rar!", "park.7z": b"7z\xbc\xaf"})
    put(folder, {"common/__init__.py": b"", "old/grades.csv": b"", "old/index.html": b"", "two_layers.ipynb": b"{}"})
    put(folder, dict.fromkeys(("README.md", "Thumbs.db", "desktop.ini", ".DS_Store", "__MACOSX/._x"), b""))
    (folder / "link.zip").symlink_to(folder / "kim-1-A6-O1.zip")
    os.mkfifo(folder / "pipe")
    inbox = opened(folder, assignment)
    assert sorted(inbox.entries) == ["kim-1-A6-O1", "lee-2-A6-O1", "park"]
    named = set(passed(inbox))
    assert named | {path.name for path in inbox.entries.values()} == {path.name for path in folder.iterdir()}
    assert [each.name for each in inbox.passed if each.work] == ["two_layers.ipynb"]


def test_a_students_own_folder_is_one_submission_whatever_lies_in_it(tmp_path: Path, assignment: Assignment) -> None:
    folder = put(tmp_path / "A6", {**work("1"), "kim-1-A6-O1.zip": Z["1"], "old/two_layers.py": MODULE})
    assert list(opened(folder, assignment).entries) == ["A6"]


def test_the_course_files_beside_everybodys_zips_are_passed_over(tmp_path: Path, assignment: Assignment) -> None:
    folder = put(tmp_path / "in", {"two_layers.py": STUB, "kim-1-A6-O1.zip": Z["1"], "lee-2-A6-O1.zip": Z["2"]})
    inbox = opened(folder, assignment)
    assert sorted(rows(inbox)) == ["kim-1-A6-O1", "lee-2-A6-O1"]
    assert list(passed(inbox)) == ["two_layers.py"]


def test_a_class_archive_with_names_that_lead_elsewhere_writes_nowhere_else(
    tmp_path: Path, assignment: Assignment
) -> None:
    evil = {"../up-9-A6-O1.zip": Z["1"], "/../abs-8-A6-O1.zip": Z["1"], "a/../../b-7-A6-O1.zip": Z["1"]}
    path = put(tmp_path / "in", {"all.zip": zipped({**MOODLE, **evil})}) / "all.zip"
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("kim-5-A6-O1.zip")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    inbox = opened(path, assignment)
    assert rows(inbox) == STUDENTS
    assert len([each for each in inbox.passed if each.work]) == 4
    written = [path for path in tmp_path.rglob("*") if path.is_file() and ".received" not in path.parts]
    assert written == [path]


def test_a_table_beside_a_class_archive_or_in_it_is_read(tmp_path: Path, assignment: Assignment) -> None:
    table = b"submission,submitted_at\nStudent 1_51231_assignsubmission_file_,2022-12-09T00:00+09:00\n"
    beside = put(tmp_path / "a", {"all.zip": zipped(MOODLE), "submitted.csv": table}) / "all.zip"
    inside = put(tmp_path / "b", {"all.zip": zipped({**MOODLE, "submitted.csv": table})}) / "all.zip"
    for path in (beside, inside):
        inbox = opened(path, assignment)
        assert [name for name in inbox.entries if inbox.receive(name).info.late] == ["s1-2022990001-A6-O1"]


def test_a_row_of_the_table_that_is_about_no_submission_is_named(tmp_path: Path, assignment: Assignment) -> None:
    ours = {"kim-1-A6-O1.tar.gz": tarred(work("1")), "lee-2-A6-O1.zip": Z["2"], **MOODLE}
    late = ("kim-1-A6-O1.tar.gz", "Lee-2-A6-O1.zip", "Student 1_51231_assignsubmission_file_", "han.zip")
    table = "submission,submitted_at\n" + "".join(f"{name},2022-12-09T00:00+09:00\n" for name in late)
    folder = put(tmp_path / "in", {**ours, "submitted.csv": table.encode()})
    inbox = opened(folder, assignment)
    late_ones = [name for name in inbox.entries if inbox.receive(name).info.late]
    assert late_ones == ["kim-1-A6-O1", "s1-2022990001-A6-O1"]
    assert [each.name for each in inbox.passed] == ["Lee-2-A6-O1", "han"]
    assert {each.why for each in inbox.passed} == {"its row in submitted.csv is not used: no submission has this name"}
    assert not opened(folder / "lee-2-A6-O1.zip", assignment).passed


@pytest.mark.parametrize(
    "name, account",
    [("48213-77012 - Park Doyun - Dec 1, 2022 1113 PM", "Park Doyun"), ("Lee, Jiwoo(ljw2022)", "Jiwoo Lee"),
     ("gradebook_X_A6_chy2022_attempt_2022-12-01-11-13-00_work.zip", "chy2022"),
     ("48213-77012 - Park Doyun - Dec 1, 2022 1113 PM - work.zip", "Park Doyun")],
)  # fmt: skip
def test_names_that_learning_systems_make(name: str, account: str) -> None:
    assert parse_name(name).account == account


def test_a_module_that_cannot_be_read_is_not_called_missing(tmp_path: Path, assignment: Assignment) -> None:
    data = bytearray(zipped({"a6/two_layers.py": MODULE}))
    data[data.index(b"PK\x01\x02") + 8] |= 1  # encrypted
    put(tmp_path, {"kim-1-A6-O1.zip": bytes(data), "lee-2-A6-O1.zip": zipped({"other.txt": b""})})
    inbox = opened(tmp_path, assignment)
    assert inbox.receive("kim-1-A6-O1").unread == {"two_layers.py": "encrypted"}
    assert inbox.receive("lee-2-A6-O1").unread == {}


def test_a_notebook_or_artifact_that_cannot_be_read_is_not_called_missing(
    tmp_path: Path, assignment: Assignment
) -> None:
    data = bytearray(zipped({**work("1"), "best_layers.pt": b"1"}))
    for name in (b"two_layers.ipynb", b"best_layers.pt"):
        data[data.rindex(name) - 46 + 8] |= 1  # encrypted
    large = {**work("2"), "best_layers.pt": bytes(33 << 20)}
    put(tmp_path, {"kim-1-A6-O1.zip": bytes(data), **{f"lee-2-A6-O1/{name}": data for name, data in large.items()}})
    put(tmp_path, {"park-3-A6-O1.zip": zipped(work("3")), "yu-4-A6-O1.zip": zipped({"two_layers.py": MODULE})})
    inbox = opened(tmp_path, assignment)
    received = {name: inbox.receive(name) for name in inbox.entries}
    assert {name.split("-")[0]: each.unread for name, each in received.items()} == {
        "kim": {"two_layers.ipynb": "encrypted", "best_layers.pt": "encrypted"},
        "lee": {"best_layers.pt": "larger than 32 MiB"},
        "park": {},
        "yu": {},
    }
    absent = {
        name.split("-")[0]: [n for n in each.info.notes if "not handed in" in n] for name, each in received.items()
    }
    assert absent == {
        "kim": [],
        "lee": [],
        "park": ["not handed in: best_layers.pt"],
        "yu": ["not handed in: two_layers.ipynb, best_layers.pt"],
    }
