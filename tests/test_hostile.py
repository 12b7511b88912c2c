"""Grades submissions that want more than they deserve, or that break what they can, beside honest ones.

The measure: no attack gains a point over the same wrong code without it, none reads a hidden check or a line of the
reference, none changes what another submission gets, and the run ends with a result for everyone and exit status 0.
The attacks are in `submissions/hostile/attacks/`, one file each; the table here says what must become of each.
"""

from __future__ import annotations

import csv
import ctypes
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from autograder.grading import fingerprint
from autograder.submission.receive.find import find_submissions
from tests.submissions.hostile import maker

ROOT = Path(__file__).parents[1]
COURSE = ROOT / "tests/submissions/hostile/course"
FULL, BASE = 20.0, 2.0
QUESTIONS = ("scale", "names", "learner", "weights", "conv", "pool", "slope")


@dataclass(frozen=True)
class Expected:
    """What must become of a submission.

    Attributes:
        score: at most that of the wrong code.
        outcomes: by question, where they differ from "failed"; several words where it is a race between them.
    """

    score: float = BASE
    outcomes: Mapping[str, str] = field(default_factory=dict)


def everywhere(outcome: str, score: float = 0.0) -> Expected:
    return Expected(score, dict.fromkeys(QUESTIONS, outcome))


def but(score: float = BASE, **outcomes: str) -> Expected:
    return Expected(score, outcomes)


ATTACKS: dict[str, Expected] = {
    # Reading: as if it had not tried.
    "read_files": but(),
    "read_processes": but(),
    "read_frames": but(),
    "read_sources": but(),
    "read_neighbours": but(),
    "read_memory": but(),
    "read_labels_from_seed": but(),
    "tell_inputs": but(0, scale="error", learner="error", weights="error", pool="error", slope="error"),
    # Forging: what is said is compared, and a dead or babbling process has crashed.
    "forge_files": but(),
    "exit_in_call": but(names="crashed", slope="error"),
    "exit_at_import": everywhere("crashed"),
    "forge_reply_and_exit": but(learner="failed crashed"),
    "forge_replies_ahead": but(
        0, scale="crashed", names="failed crashed", learner="failed crashed", slope="failed crashed"
    ),
    "forge_fields": but(
        0,
        scale="crashed error",
        names="crashed",
        learner="forbidden crashed",
        weights="crashed forbidden",
        pool="crashed",
        slope="crashed",
    ),
    "forge_broken_frames": Expected(0, {**dict.fromkeys(QUESTIONS, "crashed"), "slope": "failed crashed timeout"}),
    "close_channel": but(names="crashed", slope="crashed"),
    # Subverting: patches stay in the process that made them.
    "patched_comparators": but(),
    "patched_harness": but(0),
    "pytest_words": but(
        0, scale="error", names="error", learner="error", weights="error", conv="crashed", pool="error", slope="error"
    ),
    "replaced_common": but(learner="error"),
    "nasty_exceptions": but(
        0,
        scale="error crashed",
        names="timeout",
        learner="error",
        weights="error",
        conv="error",
        pool="error",
        slope="error",
    ),
    "anything_module": but(0),
    "own_harness": but(),
    "terminal_escapes": but(names="error", pool="error"),
    "hanging_attributes": everywhere("timeout"),
    "interrupted_harness": but(
        names="error crashed timeout",
        learner="failed error crashed timeout",
        weights="failed error crashed timeout",
        slope="error crashed",
    ),
    # Lying values.
    "lying_classes": but(0),
    "not_numbers": but(0),
    "odd_tensors": but(0, conv="error"),
    "absurd_sizes": but(0, learner="error", slope="error"),
    "long_lists": but(),
    "long_text": but(),
    "harmful_weights": but(weights="error"),
    "giant_weights": but(),
    # What a question rules out.
    "rule_by_another_name": but(conv="forbidden", pool="forbidden", slope="forbidden"),
    "rule_in_a_thread": but(conv="forbidden", pool="forbidden", slope="forbidden"),
    "rule_in_forward_mode": but(slope="forbidden"),
    "rule_beneath": but(conv="forbidden", pool="forbidden error", slope="forbidden"),
    "rule_behind_try": but(conv="forbidden", pool="forbidden", slope="forbidden"),
    "rule_by_called_nodes": but(slope="error"),
    "rule_in_a_script": but(slope="error"),
    "rule_prepacked": but(conv="forbidden", pool="forbidden", slope="forbidden"),
    "graph_from_import": but(slope="error"),
    "derived_at_import": but(slope="error"),
    "rule_kernels_restored": but(conv="forbidden", pool="forbidden"),
    # Time and resources.
    "infinite_loop": but(names="timeout", pool="timeout", slope="timeout"),
    "slow_imports": but(0, scale="crashed timeout"),
    "memory_bombs": but(
        0,
        scale="out_of_memory",
        names="out_of_memory timeout",
        pool="out_of_memory error timeout",
        slope="failed out_of_memory timeout",
    ),
    "disk_bombs": but(),
    "host_files": but(),
    # What it started burns in the worker that answers the next two.
    "process_bombs": but(
        names="failed error", pool="failed error", learner="failed timeout", weights="failed timeout", slope="error"
    ),
}


@dataclass(frozen=True)
class Graded:
    """One grading of everybody, and what it left behind."""

    out: Path
    status: int
    printed: str
    complained: str
    seconds: float
    left_files: frozenset[str]
    left_processes: tuple[str, ...]

    def result(self, name: str) -> dict[str, Any]:
        data: dict[str, Any] = json.loads((self.out / name / "result.json").read_text())
        return data

    def results(self) -> dict[str, dict[str, Any]]:
        return {path.parent.name: self.result(path.parent.name) for path in self.out.glob("*/result.json")}

    def outcomes(self, name: str) -> dict[str, str]:
        return {question["id"]: question["outcome"] for question in self.result(name)["questions"]}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the course with the artifact that its reference hands in."""
    root = tmp_path_factory.mktemp("hostile") / "course"
    shutil.copytree(COURSE, root, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "solutions/rules.toml", root / "solutions")
    (root / "solutions/h1_traps/weights.pt").write_bytes(maker.weights_of(trained(root)))
    return root


def trained(root: Path) -> torch.Tensor:
    """What the reference trains, in a process of its own: this one may have imported another course's `common`."""
    program = "import sys, torch, traps; torch.save(traps.trained(), sys.stdout.buffer)"
    folders = os.pathsep.join([str(root / "solutions/h1_traps"), str(root / "solutions")])
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": folders}, stdout=subprocess.PIPE, check=True
    )
    weights: torch.Tensor = torch.load(io.BytesIO(done.stdout))
    return weights


@pytest.fixture(scope="module")
def graded(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """Everybody graded in one run, two at once: attackers, honest people, and one after all others."""
    folder = tmp_path_factory.mktemp("submitted")
    weights = trained(course)
    sources = maker.attacks()
    for name in ATTACKS:
        (folder / f"{name}.zip").write_bytes(maker.attack(sources[name].read_bytes(), maker.EXTRAS.get(name)))
    (folder / "just wrong.zip").write_bytes(maker.attack("from wrong import *\n"))
    for name, content in maker.ARCHIVES.items():
        (folder / name).write_bytes(content)
    for name, files in maker.unlucky(weights).items():
        (folder / f"{name}.zip").write_bytes(maker.plain_zip(files))
    for name in HONEST:
        (folder / f"{name}.zip").write_bytes(maker.plain_zip(maker.reference(weights)))
    _odd_entries(folder, course)
    out = tmp_path_factory.mktemp("graded") / "reports"
    _adopt_orphans()
    files, processes, began = _temporary_files(), _processes(), time.monotonic()
    words = ["--course", course, "grade", "h1", folder, "--out", out, "--jobs", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "autograder", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", "CI": "true"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    seconds = time.monotonic() - began
    left = _temporary_files() - files
    return Graded(out, done.returncode, done.stdout, done.stderr, seconds, left, _left_behind(processes))


HONEST = ("a honest", "m honest", "zz honest and last")


def _odd_entries(folder: Path, course: Path) -> None:
    """What lies about in a folder of submissions without being one, and a folder that links to the reference."""
    os.mkfifo(folder / "pipe.zip")
    (folder / "link.zip").symlink_to("/etc/passwd")
    linking = folder / "folder of links"
    linking.mkdir()
    (linking / "traps.py").symlink_to(course / "solutions/h1_traps/traps.py")
    (linking / "readme.txt").write_text("see traps.py")
    os.mkfifo(linking / "weights.pt")


def _temporary_files() -> frozenset[str]:
    places = (tempfile.gettempdir(), "/dev/shm", "/var/tmp", "/submission", "/mnt", "/media", "/srv")
    found = {f"{place}/{name}" for place in places if os.path.isdir(place) for name in os.listdir(place)}
    return frozenset(name for name in found if "mark-of-" in name or "hostile" in name or "autograder" in name)


def _adopt_orphans() -> None:
    """From here on, processes below this one that lose their parent become its children. prctl(2)."""
    set_child_subreaper = 36
    ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def _processes() -> set[psutil.Process]:
    """Those below this one."""
    return set(psutil.Process().children(recursive=True))


def _left_behind(before: set[psutil.Process]) -> tuple[str, ...]:
    """New processes below this one that still run a few seconds after the end of what it started."""
    _, alive = psutil.wait_procs(_processes() - before, timeout=10)
    return tuple(str(process) for process in alive)


def test_everybody_gets_a_result(graded: Graded) -> None:
    assert graded.complained == ""
    assert graded.status == 0
    entries = 1 + len(ATTACKS) + len(maker.ARCHIVES) + len(maker.unlucky(torch.zeros(4, 2)))
    assert len(graded.results()) == entries + len(HONEST) + 1  # the folder of links is one too
    with (graded.out / "grades.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert len({row["submission"] for row in csv.DictReader(stream)}) == len(graded.results())
    for name in graded.results():
        assert (graded.out / name / "report.html").is_file(), name
        assert "grader_error" not in graded.outcomes(name).values(), name


def test_wrong_code_alone(graded: Graded) -> None:
    """What attacks are compared with."""
    assert graded.result("just wrong")["score"] == BASE
    assert set(graded.outcomes("just wrong").values()) == {"failed"}


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_attack_gains_nothing(graded: Graded, name: str, record_property: Callable[[str, object], None]) -> None:
    expected, outcomes = ATTACKS[name], graded.outcomes(name)
    record_property("attack", _found(graded, name))
    assert expected.score <= BASE
    found = {id: outcome for id, outcome in outcomes.items() if outcome not in _wanted(expected, id)}
    assert found == {}, _details(graded, name)
    assert graded.result(name)["score"] == expected.score


def _found(graded: Graded, name: str) -> dict[str, object]:
    """A row of the table that `make hostile` prints."""
    control = graded.result("just wrong")["score"]
    pages = [path for path in (graded.out / name).iterdir() if path.name != "result.json"]
    leaked = [path.name for path in pages if re.search("LEAK|CANARY_OF", path.read_text(errors="replace"))]
    harmed = [other for other in HONEST if graded.result(other)["score"] != FULL]
    return {
        "name": name,
        "over": round(graded.result(name)["score"] - control, 2),
        "leaked": ", ".join(leaked) or "nothing",
        "harmed": ", ".join(harmed) or "nobody",
    }


def _wanted(expected: Expected, question: str) -> list[str]:
    return expected.outcomes.get(question, "failed").split()


def _details(graded: Graded, name: str) -> str:
    cases = [case for question in graded.result(name)["questions"] for case in question["cases"]]
    return "\n".join(f"{case['id']}: {case['outcome']}: {case['message']}\n{case['detail'][:600]}" for case in cases)


def test_importing_counts_against_the_budget(graded: Graded) -> None:
    """Two cases that each need the submission imported anew, and a budget for one import."""
    scale = graded.result("slow_imports")["questions"][0]
    assert [case["outcome"] for case in scale["cases"]] == ["crashed", "timeout"]


def test_every_attack_is_graded() -> None:
    assert ATTACKS.keys() == maker.attacks().keys()


@pytest.mark.parametrize("name", sorted(name for name in ATTACKS if name.startswith("rule_")))
def test_a_way_around_a_rule_is_told_to_a_person(graded: Graded, name: str) -> None:
    assert [note for note in graded.result(name)["notes"] if re.match(r"(conv|pool|slope): line \d+ has ", note)]


@pytest.mark.parametrize("name", HONEST)
def test_honest_work_is_untouched(graded: Graded, name: str) -> None:
    assert graded.result(name)["score"] == FULL, _details(graded, name)


@pytest.mark.parametrize("name", sorted(maker.UNLUCKY_SCORES))
def test_unlucky_work_keeps_what_works(graded: Graded, name: str) -> None:
    assert graded.result(name)["score"] == maker.UNLUCKY_SCORES[name], _details(graded, name)


def test_archives_gain_nothing(graded: Graded) -> None:
    known = {*ATTACKS, *HONEST, *maker.UNLUCKY_SCORES, "just wrong"}
    others = {name: result["score"] for name, result in graded.results().items() if name not in known}
    assert set(others.values()) == {0.0, BASE}
    assert all(graded.result(name)["notes"] for name, score in others.items() if score == 0.0)


def test_secrets_stay(graded: Graded) -> None:
    """No canary of check or reference in anything that the run wrote, instructors' files included."""
    for path in graded.out.rglob("*"):
        if path.is_file():
            assert "CANARY_OF" not in path.read_text(encoding="utf-8", errors="replace"), path
    assert "CANARY_OF" not in graded.printed


def test_pages_hold_no_word_of_a_worker(graded: Graded) -> None:
    """Attacks say LEAK wherever they can; instructors read it in result.json, where students cannot."""
    assert "LEAK" in (graded.out / "tell_inputs/result.json").read_text()
    for path in graded.out.rglob("*"):
        if path.is_file() and path.name != "result.json":
            assert "LEAK" not in path.read_text(encoding="utf-8", errors="replace"), path
    assert "LEAK" not in graded.printed


def test_debugging_a_check_is_safe_too(course: Path, graded: Graded, tmp_path: Path) -> None:
    """What a teaching assistant sees in the terminal holds the submission's words, and no command."""
    path = tmp_path / "terminal.zip"
    path.write_bytes(maker.attack(maker.attacks()["terminal_escapes"].read_bytes()))
    words = ["-q", "--color=no", "-p", "no:cacheprovider", "--question", "names", "--submission", str(path)]
    checks = course / "tests/hidden/h1_traps"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--import-mode=importlib", f"--rootdir={course}", *words, str(checks)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "your code raised ValueError" in done.stdout
    assert "LEAK" in done.stdout
    for text in (done.stdout, done.stderr, graded.printed):
        assert not set(text) & set("\x1b\x07\x9b")


def test_nothing_is_left_behind(graded: Graded) -> None:
    assert graded.left_processes == ()
    assert graded.left_files == frozenset()


def test_what_cannot_be_read_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zip or folder without permission to read, as unpacking can leave them, does not end the run."""
    for name in ("locked", "open"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "traps.py").write_text(name)

    def refuse(of: Callable[..., Any]) -> Callable[..., Any]:
        def method(path: Path, *args: Any) -> Any:
            if "locked" in path.parts:
                raise PermissionError(13, "Permission denied", str(path))
            return of(path, *args)

        return method

    monkeypatch.setattr(Path, "iterdir", refuse(Path.iterdir))
    monkeypatch.setattr(Path, "open", refuse(Path.open))
    found = find_submissions(tmp_path, ["traps.py"])
    assert [path.name for path in found.paths] == ["locked", "open"]
    assert len({fingerprint.of_submission(path) for path in found.paths}) == 2
