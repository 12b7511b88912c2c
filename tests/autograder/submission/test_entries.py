"""One entry of a class costs only itself, and belongs to the one who handed it in."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path

import pytest

from autograder.course.model import Assignment
from autograder.submission.receive.archives import unpack
from autograder.submission.receive.filename import safe_names

from .samples import MODULE, zipped
from .test_find import Z, opened, passed, put, rows, work

OURS = {"lee-2-A6-O1.zip": Z["2"]}
MOODLE_KIM = "Kim Minsu_51234_assignsubmission_file_"


def works(inbox: object) -> list[str]:
    return [each.name for each in inbox.passed if each.work]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "name, wanted",
    [("과제".encode("cp949"), True), ("two_layers\u200b".encode(), True), (b"two\xa0layers\xff", True)],
)  # fmt: skip
def test_a_loose_file_with_an_odd_name_is_a_row(
    tmp_path: Path, assignment: Assignment, name: bytes, wanted: bool
) -> None:
    folder = put(tmp_path / "in", OURS)
    Path(os.fsdecode(os.fsencode(folder) + b"/kimminsu_51_99_" + name + b".py")).write_bytes(MODULE)
    inbox = opened(folder, assignment)
    assert rows(inbox) == {"kimminsu_51_99_files": "kimminsu", "lee-2-A6-O1": "lee"}
    assert passed(inbox) == {}


def test_a_loose_file_with_control_characters_is_left_out_and_the_row_stays(
    tmp_path: Path, assignment: Assignment
) -> None:
    files = {"kim_51_99_two_layers.py": MODULE, "kim_51_100_a\x1bb.py": b"", "park_52_101_a\x07.py": MODULE}
    inbox = opened(put(tmp_path / "in", {**OURS, **files}), assignment)
    assert rows(inbox) == {"kim_51_100_files": "kim", "lee-2-A6-O1": "lee", "park_52_101_files": "missing"}
    assert set(passed(inbox).values()) == {"its name holds characters that cannot be shown"}
    assert len(works(inbox)) == 2


def test_files_and_folders_with_one_name_cost_only_themselves(tmp_path: Path, assignment: Assignment) -> None:
    person = {f"b-2-A6-O1/{name}": data for name, data in work("2").items()}
    for first, second in (("x.py", "x.py/y.py"), ("x.py/y.py", "x.py")):
        both = {f"a-1-A6-O1/{first}": b"1", f"a-1-A6-O1/{second}": b"2", "a-1-A6-O1/two_layers.py": MODULE}
        folder = put(tmp_path / first.replace("/", "_"), {"all.zip": zipped({**both, **person})})
        inbox = opened(folder, assignment)
        assert rows(inbox) == {"a-1-A6-O1": "a", "b-2-A6-O1": "b"}
        (why,) = passed(inbox).values()
        assert why in ("a folder has its name", "a file has the name of its folder")


def test_of_two_archives_with_one_name_in_a_class_archive_one_is_named(tmp_path: Path, assignment: Assignment) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twice = [("kim-1-A6-O1.zip", Z["1"]), ("lee-2-A6-O1.zip", Z["2"]), ("kim-1-A6-O1.zip", Z["3"])]
        folder = put(tmp_path / "in", {"all.zip": zipped(twice)})
    inbox = opened(folder, assignment)
    assert list(inbox.entries) == ["kim-1-A6-O1", "lee-2-A6-O1"]
    assert passed(inbox) == {"all.zip/kim-1-A6-O1.zip": "appears twice; the later one is used"}
    assert inbox.receive("kim-1-A6-O1").info.id == "1"


def test_what_cannot_be_taken_apart_costs_only_itself(
    tmp_path: Path, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = {"a-1-A6-O1/two_layers.py": MODULE, "b-2-A6-O1/two_layers.py": MODULE}
    folder = put(tmp_path / "in", {**OURS, "all.zip": zipped(both)})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(unpack, "private", full)
    inbox = opened(folder, assignment)
    assert list(inbox.entries) == ["lee-2-A6-O1"]
    assert passed(inbox) == {"all.zip": "cannot be taken apart: No space left on device"}
    assert works(inbox) == ["all.zip"]


def test_a_folder_that_cannot_be_listed_costs_only_itself(
    tmp_path: Path, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = {"section/a-1-A6-O1.zip": Z["1"], "section/b-3-A6-O1.zip": Z["3"]}
    folder, listing, calls = put(tmp_path / "in", {**OURS, **people}), Path.iterdir, []

    def shut(self: Path) -> object:
        if self.name == "section":
            calls.append(self)
            if len(calls) > 2:  # when its entries are handled
                raise PermissionError(13, "Permission denied")
        return listing(self)

    monkeypatch.setattr(Path, "iterdir", shut)
    inbox = opened(folder, assignment)
    assert list(inbox.entries) == ["lee-2-A6-O1"]
    assert passed(inbox) == {"section": "cannot be read: Permission denied"}


def test_a_huge_loose_file_is_not_copied(tmp_path: Path, assignment: Assignment) -> None:
    folder = put(tmp_path / "in", {**OURS, "kim_51_99_two_layers.py": MODULE, "park_52_98_two_layers.py": b""})
    names = ("kim_51_97_big.pt", "park_52_98_two_layers.py", *(f"kim_51_{n}_w{n}.pt" for n in range(100, 104)))
    for name in names:
        (folder / name).touch()
        os.truncate(folder / name, 200 << 30)
    inbox = opened(folder, assignment)
    assert rows(inbox) == {"kim_51_100_files": "kim", "lee-2-A6-O1": "lee", "park_52_98_files": "missing"}
    assert inbox.receive("park_52_98_files").unread == {"two_layers.py": "larger than 4 MiB"}
    copied = sum(path.stat().st_size for path in (tmp_path / ".received").rglob("*") if path.is_file())
    assert copied < 110 << 20
    assert len(passed(inbox)) == 3
    assert all(why == "beyond 96 MiB of one person's files" for why in passed(inbox).values())


def test_a_huge_notebook_is_not_read_to_tell_people_apart(tmp_path: Path, assignment: Assignment) -> None:
    both = {f"kim/{who}/two_layers.py": MODULE + who.encode() for who in "ab"}
    folder = put(tmp_path / "in", {**OURS, **both})
    (folder / "kim/a/n.ipynb").touch()
    os.truncate(folder / "kim/a/n.ipynb", 200 << 30)
    os.mkfifo(folder / "kim/b/n.ipynb")
    inbox = opened(folder, assignment)
    assert list(inbox.entries) == ["lee-2-A6-O1"]
    assert works(inbox) == ["kim"]


def test_what_all_archives_unpack_to_is_bounded(
    tmp_path: Path, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "MAX_UNPACKED", 1 << 20)
    both = {"a-1-A6-O1/two_layers.py": MODULE, "b-2-A6-O1/two_layers.py": MODULE, "b-2-A6-O1/n.ipynb": b" " * (1 << 20)}
    inbox = opened(put(tmp_path / "in", {"all.zip": zipped(both)}), assignment)
    assert list(inbox.entries) == ["a-1-A6-O1", "b-2-A6-O1"]
    (why,) = passed(inbox).values()
    assert re.fullmatch("beyond .* GiB that the grader unpacks in all", why)


def others(*who: str) -> dict[str, bytes]:
    return {f"{name}/{file}": data for name in who for file, data in work(name[4]).items()}


@pytest.mark.parametrize(
    "holds", [others("kim-1-A6-O1", "lee-2-A6-O1"), others("lee-2-A6-O1", "han-3-A6-O1"),
              {"lee-2-A6-O1.zip": Z["3"], "han-3-A6-O1.zip": Z["3"]}],
)  # fmt: skip
@pytest.mark.parametrize("how", ["zip", "folder", "canvas", "moodle", "moodle zip"])
def test_nobody_makes_rows_for_others(
    tmp_path: Path, assignment: Assignment, holds: dict[str, bytes], how: str
) -> None:
    entry = {"zip": "kim-1-A6-O1.zip", "folder": "kim-1-A6-O1", "canvas": "kimminsu_51_99_work.zip"}.get(
        how, MOODLE_KIM
    )
    if how == "moodle zip":
        files = {f"{entry}/work.zip": zipped(holds)}
    elif how in ("folder", "moodle"):
        files = {f"{entry}/{name}": data for name, data in holds.items()}
    else:
        files = {entry: zipped(holds)}
    inbox = opened(put(tmp_path / "in", {**OURS, **files}), assignment)
    assert rows(inbox) == {"lee-2-A6-O1": "lee"}
    (name,) = works(inbox)
    assert name.split("/")[0] == entry
    assert "that of others: " in passed(inbox)[name]


def test_a_person_with_one_other_folder_is_one_row(tmp_path: Path, assignment: Assignment) -> None:
    inbox = opened(put(tmp_path / "in", {**OURS, "kim-1-A6-O1.zip": zipped(others("lee-2-A6-O1"))}), assignment)
    assert rows(inbox) == {"kim-1-A6-O1": "kim", "lee-2-A6-O1": "lee"}


@pytest.mark.parametrize("entry", ["kim", "kim.zip", "kim-1-A6-O1", "kim-1-A6-O1.zip", MOODLE_KIM])
@pytest.mark.parametrize("inside", ["", "src/"])
def test_helpers_that_look_like_files_of_canvas_are_nobodys(
    tmp_path: Path, assignment: Assignment, entry: str, inside: str
) -> None:
    files = {f"{inside}two_layers.py": MODULE, "lr_1_2_try.py": b"x = 1", "bn_3_4_try.py": b"x = 1"}
    if entry.endswith(".zip"):
        put(tmp_path / "in", {**OURS, entry: zipped(files)})
    else:
        put(tmp_path / "in" / entry, files)
        put(tmp_path / "in", OURS)
    inbox = opened(tmp_path / "in", assignment)
    assert len(inbox.entries) == 2
    assert "missing" not in rows(inbox).values()
    assert passed(inbox) == {}


def test_a_students_module_beside_others_work_is_named(tmp_path: Path, assignment: Assignment) -> None:
    files = {f"work/{name}": data for name, data in {**work("1"), **others("han-3-A6-O1", "yoo-4-A6-O1")}.items()}
    inbox = opened(put(tmp_path / "in", {**OURS, **files}), assignment)
    assert rows(inbox) == {"lee-2-A6-O1": "lee"}
    assert works(inbox) == ["work"]


def test_sections_with_names_like_canvas_are_still_sections(tmp_path: Path, assignment: Assignment) -> None:
    files = {"A6_1_2_section/kim-1-A6-O1.zip": Z["1"], "A6_1_2_section/lee-2-A6-O1.zip": Z["2"]}
    assert list(rows(opened(put(tmp_path / "in", files), assignment))) == ["kim-1-A6-O1", "lee-2-A6-O1"]
    whole = put(tmp_path / "zip", {"A6_2022_12_all.zip": zipped({**OURS, "kim-1-A6-O1.zip": Z["1"]})})
    assert len(rows(opened(whole / "A6_2022_12_all.zip", assignment))) == 2


def test_a_table_within_a_section_is_named(tmp_path: Path, assignment: Assignment) -> None:
    table = b"submission,submitted_at\nkim-1-A6-O1,2030-01-01T00:00+09:00\n"
    files = {"s1/kim-1-A6-O1.zip": Z["1"], "s1/han-3-A6-O1.zip": Z["3"], "s1/submitted.csv": table, **OURS}
    inbox = opened(put(tmp_path / "in", files), assignment)
    assert len(inbox.entries) == 3
    assert "only the submitted.csv" in passed(inbox)["s1/submitted.csv"]
    assert not inbox.receive("kim-1-A6-O1").info.late


def test_an_archive_in_a_class_does_not_replace_the_table(tmp_path: Path, assignment: Assignment) -> None:
    forged = b"submission,submitted_at\nlee-2-A6-O1,2030-01-01T00:00+09:00\n"
    both = {**others("kim-1-A6-O1", "han-3-A6-O1"), "submitted.csv": forged}
    inbox = opened(put(tmp_path / "in", {"some.zip": zipped(both), **OURS}), assignment)
    assert len(inbox.entries) == 3
    assert "some.zip/submitted.csv" in passed(inbox)
    assert not inbox.receive("lee-2-A6-O1").info.late


def test_of_two_loose_files_with_one_name_the_later_counts_and_the_other_is_named(
    tmp_path: Path, assignment: Assignment
) -> None:
    files = {"kim_51_99_two_layers.py": b"", "kim_51_100_two_layers.py": MODULE, **OURS}
    inbox = opened(put(tmp_path / "in", files), assignment)
    assert rows(inbox) == {"kim_51_100_files": "kim", "lee-2-A6-O1": "lee"}
    assert inbox.receive("kim_51_100_files").files == {"two_layers.py": MODULE}
    assert passed(inbox) == {
        "kim_51_99_two_layers.py": "handed in again under the same name; kim_51_100_two_layers.py is used"
    }


def test_one_persons_loose_files_in_two_sections_are_two_rows(tmp_path: Path, assignment: Assignment) -> None:
    files = {f"{section}/{who}_51_99_two_layers.py": MODULE for section in ("s1", "s2") for who in ("kim", "lee")}
    assert len(rows(opened(put(tmp_path / "in", files), assignment))) == 4


def test_equal_names_in_equal_folders_of_two_sections_are_two_rows() -> None:
    paths = [Path(f"{section}/A6/kim-1-A6-O1.zip") for section in ("s1", "s2", "s3")]
    names = safe_names(paths)
    assert sorted(names.values()) == paths
    assert all(name.startswith("kim-1-A6-O1~") for name in names)
    assert safe_names(paths[::-1]) == names


def test_archives_without_their_suffix_are_read_and_other_kinds_are_possible_work(
    tmp_path: Path, assignment: Assignment
) -> None:
    files = {**OURS, "park-3-A6-O1": Z["3"], "han-4-A6-O1.zipx": Z["4"], "yu-5-A6-O1.tar.zst": b"\x28\xb5\x2f\xfd"}
    files |= {"a-6-A6-O1.zip.part": Z["1"][:50], ".b-7-A6-O1.zip": Z["1"], "c-8-A6-O1.xyz": b"", "d-9-A6-O1": b"hello"}
    files |= {"e-10-A6-O1.pdf": b"%PDF", "kimminsu_51_99_x.docx": b"", "whatever.zip.crdownload": b"PK", ".vimrc": b""}
    inbox = opened(put(tmp_path / "in", files), assignment)
    assert list(inbox.entries) == ["d-9-A6-O1", "han-4-A6-O1", "lee-2-A6-O1", "park-3-A6-O1", "yu-5-A6-O1"]
    for name in ("han-4-A6-O1", "lee-2-A6-O1", "park-3-A6-O1"):
        assert inbox.receive(name).modules
    assert sorted(works(inbox)) == [
        *(".b-7-A6-O1.zip", "a-6-A6-O1.zip.part", "c-8-A6-O1.xyz", "whatever.zip.crdownload")
    ]
    assert len(passed(inbox)) == 7


@pytest.mark.parametrize("beside", [{}, {"report.pdf": b"%PDF"}, {"try.py": b"x = 1"}])
def test_an_archive_that_lost_its_suffix_is_read_inside_a_submission_too(
    tmp_path: Path, assignment: Assignment, beside: dict[str, bytes]
) -> None:
    files = {"kim-1-A6-O1": Z["1"], **beside}
    put(tmp_path / "in", {f"{MOODLE_KIM}/{name}": data for name, data in files.items()})
    inbox = opened(put(tmp_path / "in", {"han-3-A6-O1.zip": zipped(files)}), assignment)
    assert sorted(rows(inbox).values()) == ["Kim Minsu", "han"]
    for name in inbox.entries:
        said = "\n".join(inbox.receive(name).info.notes)
        assert "is not opened" not in said
        assert "not used in grading: kim-1-A6-O1" not in said


def test_a_class_of_archives_without_suffixes_is_taken_apart(tmp_path: Path, assignment: Assignment) -> None:
    both = zipped({"kim-1-A6-O1": Z["1"], "lee-2-A6-O1": Z["2"]})
    inbox = opened(put(tmp_path / "in", {"all.zip": both}), assignment)
    assert rows(inbox) == {"kim-1-A6-O1": "kim", "lee-2-A6-O1": "lee"}


def test_a_text_typed_into_moodle_beside_the_files_is_no_second_row(tmp_path: Path, assignment: Assignment) -> None:
    text, alone = MOODLE_KIM.replace("_file_", "_onlinetext_"), "Lee A_51235_assignsubmission_onlinetext_"
    files = {f"{MOODLE_KIM}/work.zip": Z["1"], f"{text}/onlinetext.html": b"<p>", f"{alone}/onlinetext.html": b"<p>"}
    inbox = opened(put(tmp_path / "in", files), assignment)
    assert rows(inbox) == {MOODLE_KIM: "Kim Minsu", alone: "missing"}
    assert list(passed(inbox)) == [text]


@pytest.mark.parametrize(
    "folder",
    ["課題　六", "과제\u00a06", "팀👨‍👩‍👧", "\ufeffA6", "A6\u200e", "می‌خواهم", "A6\u2028", "A6 \uf022", "a\u202eb"],
)
def test_spaces_and_unseen_marks_in_names_of_folders_cost_nothing(
    tmp_path: Path, assignment: Assignment, folder: str
) -> None:
    files = {f"{folder}/{name}": data for name, data in work("1").items()}
    put(tmp_path / "in/lee-2-A6-O1", files)
    inbox = opened(put(tmp_path / "in", {"kim-1-A6-O1.zip": zipped(files)}), assignment)
    assert rows(inbox) == {"kim-1-A6-O1": "kim", "lee-2-A6-O1": "lee"}
    assert inbox.receive("kim-1-A6-O1").notebooks


def test_people_with_other_spaces_in_their_names(tmp_path: Path, assignment: Assignment) -> None:
    people = ("山田　太郎", "می‌خواهم", "Nguyễn\u00a0An")
    everybody = {f"{who}_5123{n}_assignsubmission_file_/work.zip": Z[str(n)] for n, who in enumerate(people, 1)}
    table = f"submission,submitted_at\n{people[0]}_51231_assignsubmission_file_,2030-01-01T00:00+09:00\n".encode()
    folder = put(tmp_path / "in", {"all.zip": zipped(everybody), "submitted.csv": table})
    inbox = opened(folder, assignment)
    assert sorted(rows(inbox).values()) == sorted(["山田 太郎", "میخواهم", "Nguyễn An"])
    assert [inbox.receive(name).info.late for name in inbox.entries].count(True) == 1


@pytest.mark.parametrize("encoding", ["cp1251", "cp866", "euc_jp", "gb18030", "cp1258"])
def test_folders_in_other_encodings_are_read(tmp_path: Path, assignment: Assignment, encoding: str) -> None:
    name = {"euc_jp": "課題六提出", "gb18030": "镕課題", "cp1258": "Bai tâp"}.get(encoding, "Моя работа я")
    raw = name.encode(encoding)
    hidden = "X" * len(raw)
    data = zipped({f"{hidden}/{file}": data for file, data in work("1").items()}).replace(hidden.encode(), raw)
    inbox = opened(put(tmp_path / "in", {"kim-1-A6-O1.zip": data}), assignment)
    assert rows(inbox) == {"kim-1-A6-O1": "kim"}
