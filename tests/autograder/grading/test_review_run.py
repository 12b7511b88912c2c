"""Option 2 from a zip to a decision and back: the queue is written, and what a person writes into it counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.autograder.conftest import Toy

COMMENTED = ("return SCALE * x", "return SCALE * x  # twice as much")


def result(out: Path, name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((out / name / "result.json").read_text())
    return data


def test_from_the_queue_to_a_decision_and_back(toy: Toy, tmp_path: Path) -> None:
    manifest = toy.root / "solutions/t1_toy/assignment.toml"
    manifest.write_text(manifest.read_text().replace("scale = 0.5", "scale = 0.5\nreview = true"))
    toy.submit("kim-1-A1-O2", COMMENTED)
    toy.submit("lee-2-A1-O1")
    toy.submit("jung-3-A1-O2", source="def double(x:\n")
    out, table = tmp_path / "reports", tmp_path / "reports/review.csv"
    words = ("grade", "t1", toy.submitted, "--out", out)
    done = toy.run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert "twice as much" in (out / "kim-1-A1-O2/review.html").read_text()
    assert not (out / "lee-2-A1-O1/review.html").exists()
    assert not (out / "jung-3-A1-O2/review.html").exists()
    assert 'href="jung-3-A1-O2/report.html"' in (out / "review.html").read_text()
    kim = result(out, "kim-1-A1-O2")
    assert kim["score"] == 5
    (function,) = kim["reading"]["questions"][0]["functions"]
    assert (function["name"], function["commented"], function["lines"]) == ("double", 1, [])
    assert result(out, "lee-2-A1-O1")["reading"] is None

    sheet = table.read_text(encoding="utf-8-sig")
    assert "kim-1-A1-O2,kim,1,2,10,0.5," in sheet
    table.write_text(sheet.replace("10,0.5,", "10,9,well said"))
    refused = toy.run(*words)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "scale: found '9', wanted a number from 0 to 1" in refused.stderr

    table.write_text(sheet.replace("10,0.5,", "10,0.9,well said"))
    again = toy.run(*words)
    assert "3 of them kept" in again.stdout
    kim = result(out, "kim-1-A1-O2")
    assert (kim["score"], kim["scale"]) == (9, 0.9)
    assert "scale set by review: 0.9 instead of 0.5" in kim["notes"]
    assert "kim-1-A1-O2,kim,1,,2,9,10" in (out / "grades.csv").read_text(encoding="utf-8-sig")
    assert "twice as much" in (out / "kim-1-A1-O2/review.html").read_text()
    assert "90 %" in (out / "kim-1-A1-O2/report.html").read_text()
    assert "decided: well said" in (out / "review.html").read_text()
    assert "0.9,well said" in table.read_text(encoding="utf-8-sig")
    toy.run(*words, "--regrade")
    assert result(out, "kim-1-A1-O2")["score"] == 9
