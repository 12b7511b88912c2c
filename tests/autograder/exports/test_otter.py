"""final_grades.csv: what otter-grader's own function makes of the same numbers."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.autograder.exports.conftest import Class, rows


@dataclass
class Graded:
    """What otter's function asks of its results."""

    file: str
    scores: dict[str, float]
    most: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        return {id: {"score": score, "possible": self.most[id]} for id, score in self.scores.items()}

    def has_catastrophic_failure(self) -> bool:
        return False

    @property
    def total(self) -> float:
        return sum(self.scores.values())

    @property
    def possible(self) -> float:
        return sum(self.most.values())

    @property
    def percent(self) -> float:
        return self.total / self.possible


def test_it_is_what_otter_makes(klass: Class, tmp_path: Path) -> None:
    from otter.grade.utils import merge_scores_to_df  # it imports pandas

    klass.decide("points", 350, submission=2, question="counter")
    klass.say("export", "otter", "t1", "--to", tmp_path / "final_grades.csv")
    most = {"double": 4, "counter": 6}
    graded = [
        Graded("kimms_340934_7001_kim-11-A1-O1", {"double": 4, "counter": 6}, most),
        Graded("lee_LATE_340935_7002_lee-12-A1-O1", {"double": 4, "counter": 3.5}, most),
        Graded("cmd_340936_7003_cmd-13-A1-O1", {"double": 0, "counter": 0}, most),
    ]
    theirs = io.StringIO()
    merge_scores_to_df(graded).to_csv(theirs, index=False)
    found, wanted = rows((tmp_path / "final_grades.csv").read_bytes()), rows(theirs.getvalue().encode())
    assert found[0] == wanted[0]
    assert [list(map(plain, row)) for row in found] == [list(map(plain, row)) for row in wanted]


def plain(cell: str) -> str | float:
    try:
        return float(cell)
    except ValueError:
        return cell


def test_who_is_held_is_not_there(klass: Class, tmp_path: Path) -> None:
    klass.decide("hold", "an open case", student="12")
    klass.say("export", "otter", "t1", "--anonymous", "--to", tmp_path / "final_grades.csv", status=1)
    found = rows((tmp_path / "final_grades.csv").read_bytes())
    with klass.open() as book:
        codes = {student.key: student.code for student in book.facts().students}
    assert [row[0] for row in found[2:]] == sorted((codes["11"], codes["13"]))
