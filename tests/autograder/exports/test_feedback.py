"""Pages given back: the names that Moodle and Canvas take apart, and pages that name one person."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.exports.feedback import canvas_places
from tests.autograder.exports.conftest import PEOPLE, Class

PARTICIPANTS = {"11": "101", "12": "102", "13": "103", "14": "104", "15": "105"}


def moodle_owner(path: str) -> tuple[str, str, str] | None:
    """assignfeedback_file_zip_importer::is_valid_filename_for_import: (participant, plugin, file), None if ignored."""
    name = path.rpartition("/")[2]
    if name.startswith((".", "~")):
        return None
    parts = path.split("/")
    while parts:
        info = parts.pop(0).split("_", 4)
        if len(info) < 4 or not info[1].isdecimal() or info[1] not in PARTICIPANTS.values():
            continue
        rest = info[4] if len(info) > 4 else ""
        return info[1], f"{info[2]}_{info[3]}", "/".join([rest, *parts])
    return None


def canvas_owner(name: str) -> tuple[str, str] | None:
    """Assignment#infer_comment_context_from_filename: the user and the attachment, None if ignored."""
    if name.startswith("._"):
        return None
    numbers = [part for part in name.split("_") if re.fullmatch(r"\d+", part)]
    return (numbers[0], numbers[1]) if len(numbers) >= 2 else None


def worksheet(path: Path) -> Path:
    lines = ["Identifier,Full name,Email address,Grade,Maximum Grade,Last modified (grade)"]
    for key, number in PARTICIPANTS.items():
        name = PEOPLE[key].replace('"', '""')
        lines.append(f'Participant {number},"{name}",{key}@x.ac.kr,,10,-')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def pages(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_moodle(klass: Class, tmp_path: Path) -> None:
    sheet, target = worksheet(tmp_path / "worksheet.csv"), tmp_path / "feedback.zip"
    words = ("export", "feedback", "t1", "--like", "moodle", "--into", sheet, "--to", target)
    assert "no grade was released yet" in klass.say(*words, status=2)
    klass.say("export", "table", "t1", "--into", sheet)
    assert "feedback: 4 pages, 0 left out" in klass.say(*words)
    found = pages(target)
    owners = {moodle_owner(path): page for path, page in found.items()}
    wanted = [(PARTICIPANTS[key], "assignfeedback_file", "/t1-report.html") for key in ("11", "12", "13", "14")]
    assert sorted(owners) == wanted
    assert all(path.count("_") == 3 for path in found), found.keys()
    assert any(path.startswith("O Brien Lee_102_") for path in found)
    ours = owners[wanted[2]]
    assert "13" in ours
    for key in ("11", "12", "14"):
        assert PEOPLE[key].replace('"', "&#34;") not in ours
    for mine, other in ((0, "kimms_340934"), (3, "cmd_340936")):
        assert other not in owners[wanted[mine]]  # a submission is called by whoever handed it in
    assert "Choi, R" in owners[wanted[3]]
    assert target.read_bytes() == (klass.say(*words), target.read_bytes())[1]


def test_only_what_was_told(klass: Class, tmp_path: Path) -> None:
    sheet, target = worksheet(tmp_path / "worksheet.csv"), tmp_path / "feedback.zip"
    klass.say("export", "table", "t1", "--into", sheet)
    klass.decide("adjust", -100, student="11")
    klass.decide("hold", "an open case", student="12")
    said = klass.say("export", "feedback", "t1", "--like", "moodle", "--into", sheet, "--to", target, status=1)
    assert "feedback: 2 pages, 1 left out" in said
    assert "left out: 11  the grade differs from release 1" in said
    assert "held: 12  on hold" in said
    assert {owner[0] for path in pages(target) if (owner := moodle_owner(path))} == {"103", "104"}
    before = target.read_bytes()
    for student in ("13", "14"):
        klass.decide("hold", "an open case", student=student)
    said = klass.say("export", "feedback", "t1", "--like", "moodle", "--into", sheet, "--to", target, status=2)
    assert "found no page for the zip" in said
    assert "left out: 11" in said
    assert target.read_bytes() == before


def test_canvas(klass: Class, tmp_path: Path) -> None:
    klass.say("export", "csv", "t1", "--to", tmp_path / "t1.csv")
    said = klass.say("export", "feedback", "t1", "--like", "canvas", "--to", tmp_path / "feedback.zip")
    found = pages(tmp_path / "feedback.zip")
    assert {canvas_owner(name) for name in found} == {("340934", "7001"), ("340935", "7002"), ("340936", "7003")}
    assert "lee_340935_7002_report.html" in found
    assert "left out: 14  handed in by another member of the group" in said


@pytest.mark.parametrize(
    "given, owner",
    [
        ("team_3_712_901234_work", ("712", "901234")),
        ("team_a_LATE_712_901234_work", ("712", "901234")),
        ("2022_712_901234_work", ("712", "901234")),
        ("anon_51234_901234_work", None),
        ("team_3", None),
    ],
)
def test_canvas_takes_the_users_number_first_whatever_a_group_is_called(
    given: str, owner: tuple[str, str] | None
) -> None:
    facts: Any = SimpleNamespace(
        submissions=[SimpleNamespace(id=1, name=given)],
        members=[
            SimpleNamespace(submission=1, student="s1", place=0),
            SimpleNamespace(submission=1, student="s2", place=1),
        ],
    )
    own: Any = [SimpleNamespace(submission=1, student=student) for student in ("s1", "s2")]
    found = canvas_places(facts, own)
    assert [(each.student, canvas_owner(each.path)) for each in found] == ([("s1", owner)] if owner else [])


def test_a_naming_is_asked_for(klass: Class, tmp_path: Path) -> None:
    klass.say("export", "csv", "t1", "--to", tmp_path / "t1.csv")
    assert "--like moodle or" in klass.say("export", "feedback", "t1", "--to", tmp_path / "x.zip", status=2)
    said = klass.say("export", "feedback", "t1", "--like", "moodle", "--to", tmp_path / "x.zip", status=2)
    assert "grading worksheet" in said
    said = klass.say("export", "feedback", "t1", "--anonymous", "--like", "canvas", "--to", tmp_path / "x", status=2)
    assert "--anonymous" in said
