"""Whatever a learning system calls a class's files: two people stay two rows, and one person's files stay one."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from autograder.course.model import Assignment
from autograder.submission.receive.archives.unpack import Unpacker
from autograder.submission.receive.filename import name_of, parse_name
from autograder.submission.receive.systems import account_among, handed_in_at

from .samples import MODULE, zipped
from .test_find import CLEAN, Z, notebook, opened, passed, put, rows, work

MINE = ("two_layers.py", "two_layers.ipynb")
FILE = "_assignsubmission_file_"


def loose(*before: str) -> dict[str, bytes]:
    """The loose files of several people, under the additions of a learning system."""
    return {f"{each}{name}": data for n, each in enumerate(before, 1) for name, data in work(str(n)).items()}


def ids(folder: Path, assignment: Assignment) -> dict[str, str]:
    inbox = opened(folder, assignment)
    return {name: inbox.receive(name).info.id for name in inbox.entries}


NAMESAKES = {
    "canvas": ("kimminsu_51_901_", "kimminsu_52_905_"),
    "canvas group": ("team_a_51_1001_", "team_a_52_1005_"),
    "canvas group number": ("team_3_51_1001_", "team_4_52_1005_"),
    "canvas group two digits": ("team_13_51_1001_", "team_14_52_1005_"),
    "canvas anonymous": ("anon_5ZXv2_51_901_", "anon_LATE_Ab1c2_52_903_"),
    "canvas anonymous now": ("anon_5ZXv2_901_", "LATE_anon_Ab1c2_903_"),
    "moodle": (f"Kim Minsu_5111{FILE}", f"Kim Minsu_5112{FILE}"),
    "moodle blind": (f"Participant_5111{FILE}", f"Participant_5112{FILE}"),
    "moodle underscores": (f"Kim_Minsu_5111{FILE}", f"Kim_Minsu_5112{FILE}"),
    "moodle group": (f"Default group{FILE}", f"Group A_5112{FILE}"),
    "blackboard": tuple(f"gradebook_DL_A6_{who}_jw_attempt_2022-12-01-11-13-00_" for who in ("lee", "kim")),
    "brightspace": tuple(f"{n}-77012 - Park Doyun - Dec 1, 2022 1113 PM - " for n in (48213, 48299)),
    "classroom": ("Kim Minsu - ", "Lee Jiwoo - "),
}


@pytest.mark.parametrize("system", NAMESAKES)
@pytest.mark.parametrize("how", ["loose", "zip of all", "section", "zips", "zips in a zip"])
def test_namesakes_stay_two_people(tmp_path: Path, assignment: Assignment, system: str, how: str) -> None:
    files = loose(*NAMESAKES[system])
    if how.startswith("zips"):
        files = {f"{before}a6.zip": Z[str(n)] for n, before in enumerate(NAMESAKES[system], 1)}
    if how in ("zip of all", "zips in a zip"):
        files = {"all.zip": zipped(files)}
    elif how == "section":
        files = {f"section/{name}": data for name, data in files.items()} | {"other/yu-9-A6-O1.zip": Z["4"]}
    folder = put(tmp_path / "in", files)
    found = ids(folder, assignment)
    found.pop("yu-9-A6-O1", None)
    assert sorted(found.values()) == ["1", "2"]
    inbox = opened(folder, assignment)
    assert passed(inbox) == {}
    assert all(inbox.receive(name).modules for name in inbox.entries)
    assert all(inbox.receive(name).notebooks for name in found)


@pytest.mark.parametrize("system", ["moodle", "moodle blind", "brightspace"])
def test_namesakes_folders_stay_two_people(tmp_path: Path, assignment: Assignment, system: str) -> None:
    folders = loose(*(f"{before.removesuffix(' - ')}/" for before in NAMESAKES[system]))
    assert sorted(ids(put(tmp_path / "in", folders), assignment).values()) == ["1", "2"]
    whole = put(tmp_path / "zip", {"all.zip": zipped(folders)})
    assert sorted(ids(whole, assignment).values()) == ["1", "2"]


def test_two_people_of_one_name_in_sakai_are_several_people() -> None:
    first, second = (parse_name(f"Kim, Minsu({account})") for account in ("kms1", "kms2"))
    assert first.account == second.account == "Minsu Kim"
    assert first.person != second.person


@pytest.mark.parametrize(
    "first, second",
    [
        ("kimminsu_51_99_", "kimminsu_51_100_"),
        (f"Kim Minsu_5111{FILE}", f"Kim_Minsu_5111{FILE}"),
        *(
            (f"{before} Nov 30, 2022 1113 PM - ", f"{before} Dec 1, 2022 905 AM - ")
            for before in ("48213-77012 - Park Doyun -",)
        ),
        tuple(f"gradebook_DL_A6_lee_jw_attempt_2022-12-0{day}-11-13-00_" for day in (1, 2)),
    ],
)
def test_the_later_of_one_persons_files_counts(tmp_path: Path, assignment: Assignment, first: str, second: str) -> None:
    files = {f"{first}two_layers.py": b"", f"{second}two_layers.py": MODULE, "yu-9-A6-O1.zip": Z["4"]}
    files[f"{first}two_layers.ipynb"] = notebook("1")
    inbox = opened(put(tmp_path / "in", files), assignment)
    (name,) = [name for name in inbox.entries if name != "yu-9-A6-O1"]
    received = inbox.receive(name)
    assert received.notebooks
    if first[:3] != "Kim":  # Moodle writes no order
        assert received.files == {"two_layers.py": MODULE}
        assert passed(inbox) == {
            f"{first}two_layers.py": f"handed in again under the same name; {second}two_layers.py is used"
        }


@pytest.mark.parametrize(
    "name",
    [
        "48213-77012 - Park Doyun - Dec 1, 2022 1113 PM/two_layers.py",
        "48213-77012 - Park Doyun - Dec 1, 2022 1113 PM/gradebook_DL_A6_lee_attempt_2022-01-01-00-00-00_a6.zip",
        "48213-77012 - Park Doyun - Dec 1, 2022 1113 PM - two_layers.py",
        "gradebook_DL_A6_lee_attempt_2022-12-01-23-13-00_two_layers.py",
        "gradebook_DL_A6_lee_attempt_2022-12-01-23-13-00_a6.zip",
    ],
)
def test_the_time_in_a_systems_name_is_the_time_of_handing_in(
    tmp_path: Path, assignment: Assignment, name: str
) -> None:
    """A file in the person's folder cannot tell another time."""
    folder = put(tmp_path / "in", {name: zipped({"two_layers.py": MODULE}) if name.endswith(".zip") else MODULE})
    inbox = opened(folder, assignment)
    (entry,) = inbox.entries
    info = inbox.receive(entry).info
    assert (info.submitted_at, info.late) == ("2022-12-01T23:13:00+09:00", False)
    assert inbox.came(entry) == datetime.fromisoformat(info.submitted_at)
    assert inbox.timed(entry, info) == info


def test_the_latest_of_one_persons_files_tells_the_time(tmp_path: Path, assignment: Assignment) -> None:
    before = "gradebook_DL_A6_lee_attempt_2022-12-0{}-11-13-00_two_layers.{}"
    folder = put(tmp_path / "in", {before.format(2, "py"): MODULE, before.format(1, "ipynb"): notebook("1")})
    inbox = opened(folder, assignment)
    (entry,) = inbox.entries
    assert inbox.receive(entry).info.submitted_at == "2022-12-02T11:13:00+09:00"


@pytest.mark.parametrize("name", ["lee_attempt_2022-13-41-11-13-00_a6", "1-2 - Kim - Dez 1, 2022 1113 PM", "kim"])
def test_names_without_a_time_that_can_be_read(name: str) -> None:
    assert handed_in_at(name) is None


def test_whose_name_moodle_hides_is_named_by_the_work(tmp_path: Path, assignment: Assignment) -> None:
    signed = json.dumps({"cells": [{"cell_type": "code", "source": 'name = "Kim Minsu"\nidnum = "1"'}]}).encode()
    module = {"two_layers.py": MODULE}
    files = {f"Participant_5111{FILE}/{name}": data for name, data in {**module, "two_layers.ipynb": signed}.items()}
    files[f"Participant_5112{FILE}/lee-2-A6-O1.zip"] = Z["2"]
    files[f"Participant_5113{FILE}/work.zip"] = zipped(module)
    files[f"참가자_5114{FILE}/work.zip"] = zipped(module)
    folder = put(tmp_path / "in", files)
    late = f"Participant_5113{FILE}"
    (folder / "submitted.csv").write_text(f"submission,submitted_at\n{late},2030-01-01T00:00+09:00\n")
    inbox = opened(folder, assignment)
    assert sorted(rows(inbox).values()) == ["Kim Minsu", "Participant 5113", "lee", "참가자 5114"]
    assert [name for name in inbox.entries if "5111" not in name and inbox.receive(name).info.late] == [late]


def test_an_anonymous_zip_in_the_courses_form_is_its_owners(tmp_path: Path, assignment: Assignment) -> None:
    files = {"anon_q9z_9_8_kim-1-A6-O1.zip": Z["1"], "LATE_anon_Ab1c2_7_lee-2-A6-O1.zip": Z["2"]}
    inbox = opened(put(tmp_path / "in", files), assignment)
    assert sorted(rows(inbox).values()) == ["kim", "lee"]
    assert [inbox.receive(name).info.late for name in sorted(inbox.entries, key=str.casefold)] == [False, True]
    assert parse_name("park_jane_2022_12345_A6_O1").id == "12345"


@pytest.mark.parametrize("end", ["work.zip", "two_layers.py"])
def test_accounts_of_blackboard_may_hold_underscores(tmp_path: Path, assignment: Assignment, end: str) -> None:
    data = MODULE if end.endswith(".py") else zipped({"two_layers.py": MODULE})
    who = ("lee_jw", "kim_jw", "chy2022")
    files = {f"gradebook_DL_2_A6_{each}_attempt_2022-12-01-11-13-00_{end}": data for each in who}
    folder = put(tmp_path / "in", files)
    assert sorted(rows(opened(folder, assignment)).values()) == sorted(who)
    assert name_of(Path("/nowhere/gradebook_A6_lee_jw_attempt_2022-12-01-11-13-00_work.zip")).account == "jw"


def test_the_account_is_what_tells_keys_apart() -> None:
    assert account_among("DL1_A6_lee_jw", ["DL1_A6_lee_jw"]) == "jw"
    assert account_among("DL1_A6_lee_jw", ["DL1_A6_lee_jw", "DL2_A6_kim_jw", "DL2_A6_yu"]) == "lee_jw"
    assert account_among("DL_A6", ["DL_A6", "DL_A6_yu"]) == "A6"


def test_a_receipt_or_a_typed_text_that_is_all_of_a_person_is_possible_work(
    tmp_path: Path, assignment: Assignment
) -> None:
    attempt = "gradebook_DL_A6_{}_jw_attempt_2022-12-01-11-13-00"
    beside = {f"{attempt.format('lee')}_work.zip": Z["1"], f"{attempt.format('kim')}_work.zip": Z["2"]}
    beside |= {f"Yu A_5111{FILE}work.zip": Z["3"]}
    text = "_assignsubmission_onlinetext_onlinetext.html"
    files = {f"{attempt.format(who)}.txt": b"" for who in ("lee", "kim", "han")}
    files |= {
        f"Yu A_5111{text}": b"",
        f"Choi B_5112{text}": b"",
        "kimminsu_51_link.html": b"",
        "LATE_anon_x2_text.html": b"",
    }
    inbox = opened(put(tmp_path / "in", {**beside, **files}), assignment)
    assert len(inbox.entries) == 3
    assert set(passed(inbox)) == set(files)
    assert {each.name for each in inbox.passed if each.work} == {
        f"{attempt.format('han')}.txt", f"Choi B_5112{text}", "kimminsu_51_link.html", "LATE_anon_x2_text.html"
    }  # fmt: skip


def test_people_in_names_from_google(tmp_path: Path, assignment: Assignment) -> None:
    files = {**loose("Kim Minsu - ", "이지우 - ", "2022990003 - "), "Kim Minsu - layers.py": b"x = 1"}
    files |= {"Kim Minsu - best_layers.pt": b"", "two_layers - Yu Jin.py": MODULE, "two_layers - Yu Jin(1).py": MODULE}
    files |= {"Park - two_layers - Copy.py": MODULE, "two_layers.ipynb": b"{}", "final - two_layers.py": MODULE}
    files |= {"Lecture 3 - two_layers.ipynb": b"{}", "Han - my notes.ipynb": b"{}", "Han - notes.txt": b""}
    inbox = opened(put(tmp_path / "in", files), assignment)
    assert sorted(rows(inbox).values()) == ["2022990003", "Kim Minsu", "Park", "Yu Jin", "이지우"]
    kim = inbox.receive("Kim Minsu - files")
    assert {"layers.py", "two_layers.py"} <= set(kim.files)
    assert set(kim.artifacts) == {"best_layers.pt"}
    assert {each.name: each.work for each in inbox.passed} == {
        "two_layers.ipynb": True, "final - two_layers.py": True, "Lecture 3 - two_layers.ipynb": True,
        "Han - my notes.ipynb": True, "Han - notes.txt": False,
    }  # fmt: skip


def test_words_of_one_persons_files_are_no_people(tmp_path: Path, assignment: Assignment) -> None:
    files = {f"Kim Minsu/two_layers{end}.py": MODULE for end in ("", " - adam", " - sgd", " - Copy")}
    files |= {"Lee/old - two_layers.py": MODULE, "Lee/final - two_layers.py": MODULE, "Lee/src/two_layers.py": MODULE}
    files |= {"Yu/src/two_layers.py": MODULE, "Yu/data - files/x.csv": b"", "Yu/lr_sweep_10_100_try.py": b"x = 1"}
    inbox = opened(put(tmp_path / "in", files), assignment)
    assert list(inbox.entries) == ["Kim Minsu", "Lee", "Yu"]
    assert passed(inbox) == {}


@pytest.mark.parametrize("handout", [True, False])
def test_a_class_from_google_beside_the_handouts_module(tmp_path: Path, assignment: Assignment, handout: bool) -> None:
    files = loose("Kim Minsu - ", "Lee Jiwoo - ") | ({"two_layers.py": CLEAN["two_layers.py"]} if handout else {})
    assert sorted(rows(opened(put(tmp_path / "in", files), assignment)).values()) == ["Kim Minsu", "Lee Jiwoo"]


def test_one_name_with_notebooks_of_two_students_is_named_and_not_graded(
    tmp_path: Path, assignment: Assignment
) -> None:
    files = loose("Kim Minsu - ") | {f"Kim Minsu - two_layers (1){name[10:]}": data for name, data in work("2").items()}
    inbox = opened(put(tmp_path / "in", {**files, "yu-9-A6-O1.zip": Z["4"]}), assignment)
    assert list(inbox.entries) == ["yu-9-A6-O1"]
    assert {each.name for each in inbox.passed if each.work} == set(files)
    assert all("notebooks of several students" in why for why in passed(inbox).values())


def test_a_notebook_of_another_student_under_one_account_is_named(tmp_path: Path, assignment: Assignment) -> None:
    files = {"kim_51_901_two_layers.py": MODULE, "kim_51_902_two_layers.ipynb": notebook("1")}
    files |= {"kim_51_903_other.ipynb": notebook("2"), "kim_51_900_two_layers.ipynb": notebook("3")}
    files |= {"kim_51_899_two_layers.ipynb": notebook("3")}
    inbox = opened(put(tmp_path / "in", {**files, "yu-9-A6-O1.zip": Z["4"]}), assignment)
    assert len(inbox.entries) == 2
    again, other = "handed in again under the same name; {} is used", ", but its notebook says another student's id"
    assert passed(inbox) == {
        "kim_51_899_two_layers.ipynb": again.format("kim_51_900_two_layers.ipynb"),
        "kim_51_900_two_layers.ipynb": again.format("kim_51_902_two_layers.ipynb") + other,
        "kim_51_903_other.ipynb": f"in one row with kim_51_902_two_layers.ipynb, of the same account{other}",
    }


def test_loose_files_in_the_courses_form_keep_name_and_id(tmp_path: Path, assignment: Assignment) -> None:
    files = {"kimminsu_51_901_kim-1-A6-O1.py": MODULE, "kimminsu_51_902_two_layers.ipynb": notebook("1")}
    files |= {"lee-2-A6-O1.py": MODULE, "lee-2-A6-O1.ipynb": notebook("2"), "yu-2-A6-O1.py": MODULE + b"#"}
    assert ids(put(tmp_path / "in", files), assignment) == {
        "kimminsu_51_901_kim-1-A6-O1": "1", "lee-2-A6-O1": "2", "yu-2-A6-O1": "2"
    }  # fmt: skip


def test_work_under_an_unknown_name_and_mail_are_possible_work(tmp_path: Path, assignment: Assignment) -> None:
    names = ("kim_two_layers.py", "two_layers_kim.ipynb", "Fwd A6 Kim.eml", "a6.msg")
    files = dict.fromkeys((*names, "plots.py", "notes.txt"), b"x") | {"yu-9-A6-O1.zip": Z["4"]}
    inbox = opened(put(tmp_path / "in", files), assignment)
    assert {each.name for each in inbox.passed if each.work} == set(names)
    why = passed(inbox)
    assert "none that a known learning system gives" in why["kim_two_layers.py"]
    assert "an e-mail, perhaps with work in it" in why["a6.msg"]


def test_folders_of_loose_files_never_take_each_others_place(tmp_path: Path) -> None:
    path = put(tmp_path, {"in/a.py": b"1", "in/b.py": b"2"}) / "in"
    unpacker = Unpacker(tmp_path / "out")
    name = "kim" * 80
    first, second = (unpacker.gather(name + end, [(path / end, end)]) for end in ("a.py", "b.py"))
    assert (first / "a.py").read_bytes() == b"1"
    assert (second / "b.py").read_bytes() == b"2"


@pytest.mark.parametrize("entry", ["kim-1-A6-O1", f"Kim Minsu_5111{FILE}"])
def test_ones_own_download_beside_ones_zip_is_no_second_person(
    tmp_path: Path, assignment: Assignment, entry: str
) -> None:
    names = ("kimminsu_51_901_kim-1-A6-O1.zip", "kim-1-A6-O1.zip")
    folder = put(tmp_path / "in", {f"{entry}/{name}": Z["1"] for name in names} | {"yu-9-A6-O1.zip": Z["4"]})
    inbox = opened(folder, assignment)
    assert len(inbox.entries) == 2
    assert "missing" not in rows(inbox).values()
    assert passed(inbox) == {}
