"""The benchmarks run, and can tell: every figure is there, contestants that differ are found out, limits get missed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    import figures

    return figures


def run(*words: str | Path, expect: tuple[int, ...] = (0, 1)) -> str:
    """Runs it; a limit that is missed on a busy machine is none of a test's business."""
    command = [sys.executable, str(BENCHMARKS / "run.py"), *map(str, words)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, "COLUMNS": "160"})
    assert ended.returncode in expect, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout


def test_memory_is_read_of_every_part(tmp_path: Path) -> None:
    printed = run("--quick", "--only", "memory", "--json", tmp_path / "found.json")
    found = json.loads((tmp_path / "found.json").read_text())
    few, many = found["memory"]
    assert few["submissions"] < many["submissions"]
    assert all(set(each["peaks"]) == {"command line", "grading process", "zygote"} for each in found["memory"])
    assert all(peak > 10 for each in found["memory"] for peak in each["peaks"].values())
    assert found["limits"][0]["kept"]
    assert "kept" in printed


def test_a_limit_is_judged_by_its_median(figures: ModuleType) -> None:
    figure = figures.Figure((1.0, 9.0, 4.0), "x")
    assert not figures.Limit("ratio", figure, at_least=5).kept
    assert figures.Limit("ratio", figure, at_least=4).kept
    assert not figures.Limit("ratio", figure, at_most=3.9).kept
    assert str(figure) == "4.00 x (1.00 to 9.00)"


def test_ratios_pair_what_was_measured_together(figures: ModuleType) -> None:
    above, below = figures.Figure((10.0, 4.0), "s"), figures.Figure((2.0, 4.0), "s")
    assert figures.ratios(above, below).values == (5.0, 1.0)


def test_contestants_score_alike(figures: ModuleType, tmp_path: Path) -> None:
    from contestants import FreshPytest, ThisGrader
    from courses import toy_course
    from submissions import make_copies

    suite = toy_course(tmp_path / "course")
    submissions = tmp_path / "submissions"
    right, wrong = make_copies(suite, submissions, 2)
    with zipfile.ZipFile(wrong, "w") as archive:
        archive.writestr("toy.py", suite.reference.read_text().replace("SCALE * x", "3 * x"))
    rounds = []
    for contestant in (ThisGrader(suite, 7, 2), FreshPytest(suite, 7, 2)):
        out = tmp_path / contestant.name
        out.mkdir()
        rounds.append(contestant.grade(submissions, out))
    assert rounds[0].scores == rounds[1].scores
    assert rounds[0].scores[right.stem] == {"double": 4.0, "counter": 6.0}
    assert sum(rounds[0].scores[wrong.stem].values()) < 4
    assert all(each.cpu > 0 for each in rounds)
    assert 0 < rounds[0].startup < rounds[0].seconds


def test_contestants_that_differ_are_found_out(figures: ModuleType) -> None:
    from comparison import differences

    scores = {"ours": {"kim": {"q1": 4.0, "q2": 2.0}}, "theirs": {"kim": {"q1": 4.004, "q2": 1.0}}, "none": {"kim": {}}}
    found = list(differences(scores, "ours"))
    assert found == [
        "kim / q1: ours 4, none 0",
        "kim / q2: ours 2, theirs 1",
        "kim / q2: ours 2, none 0",
    ]


def test_fast_checks_leave_training_out(figures: ModuleType, tmp_path: Path) -> None:
    from courses import fast_checks

    suite = fast_checks(tmp_path)
    kept = [question.id for question in suite.assignment.questions]
    assert "conv-forward" in kept
    assert not {"overfit", "half-minute"} & set(kept)
    checks = {path.name for path in suite.course.hidden(suite.assignment).glob("test_*.py")}
    assert "test_conv.py" in checks
    assert "test_training.py" not in checks


def test_verdicts_are_counted_by_what_is_true(tmp_path: Path) -> None:
    words = ("--gradings", "8", "--json", str(tmp_path / "found.json"))
    command = [sys.executable, str(BENCHMARKS / "verdicts.py"), *words]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    verdicts = json.loads((tmp_path / "found.json").read_text())["verdicts"]
    assert sorted(each["part"] for each in verdicts) == [0.5, 0.5, 0.9, 0.9, 1.1, 1.1, 2.0, 2.0]
    assert {each["condition"] for each in verdicts} == {"idle", "other cores busy"}
    assert "8 verdicts on a budget of 2 x" in ended.stdout


def test_a_wrong_verdict_is_one_that_says_the_opposite(figures: ModuleType) -> None:
    from verdicts import Verdict, wrong

    def said(part: float, standing: str) -> bool:
        return wrong(Verdict(part, "idle", standing, 1.0, 5, 1.0))

    assert [said(0.5, standing) for standing in ("within", "over", "too noisy to say")] == [False, True, False]
    assert [said(1.1, standing) for standing in ("within", "over", "too noisy to say")] == [True, False, False]


def test_every_style_is_right(figures: ModuleType) -> None:
    """On small images; the benchmark itself compares what they answer to large ones."""
    import torch
    from styles_of_answers import STYLES

    from autograder.checks.sides.local import reference_loader
    from autograder.course.layout import Course

    course = Course.find(BENCHMARKS)
    x, w, b, dout = torch.randn(2, 3, 6, 8), torch.randn(4, 3, 3, 3), torch.randn(4), torch.randn(2, 4, 6, 8)
    conv, pool = {"stride": 1, "pad": 1}, {"pool_height": 2, "pool_width": 2, "stride": 2}
    shapes = ((5, 3, 5, 5), (5,), (4, 5, 3, 3), (4,), (10, 4 * 6 * 8), (10,))
    params = [torch.randn(shape) for shape in shapes]
    calls = {
        "conv_forward": lambda module: [module.Conv.forward(x, w, b, conv)[0]],
        "conv_backward": lambda module: module.Conv.backward(dout, (x, w, b, conv)),
        "pool_forward": lambda module: [module.MaxPool.forward(x, pool)[0]],
        "pool_backward": lambda module: [module.MaxPool.backward(dout[:, :3, :3, :4], (x, pool))],
        "functional_step": lambda module: [module.three_layer_convnet(x, params, {"padding": [2, 1]})],
    }
    for assignment, styles in STYLES.items():
        name = course.assignment(assignment).modules[0]
        load = partial(reference_loader(course, course.assignment(assignment)), name)
        reference = load()
        for style in styles:
            module = load()
            exec(style.source, vars(module))
            for found, expected in zip(calls[style.check](module), calls[style.check](reference), strict=True):
                torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_what_a_style_earns_is_held_against_what_it_must(figures: ModuleType) -> None:
    from styles import Found
    from styles_of_answers import Style

    def sound(earns: float | None, *credits: float | None) -> bool:
        return Found(Style("q", "c", "a loop", "", earns), (1.0,) * len(credits), credits).sound

    assert sound(1.0, 1.0, None)
    assert not sound(0.0, 0.0, 0.5)
    assert sound(None, 0.5, 1.0)


def test_classes_of_two_sizes_are_measured(tmp_path: Path) -> None:
    words = (
        "--course",
        "toy",
        "--sizes",
        "4",
        "8",
        "--jobs",
        "2",
        "--part",
        "0",
        "--json",
        str(tmp_path / "found.json"),
    )
    command = [sys.executable, str(BENCHMARKS / "scale.py"), *words, "--plot", str(tmp_path / "plot.svg")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.returncode in (0, 1), ended.stdout + ended.stderr
    found = json.loads((tmp_path / "found.json").read_text())["classes"]
    assert [(each["submissions"], each["jobs"]) for each in found] == [(4, 2), (8, 2)]
    assert all(each["cpu"] > 0 and 0 < each["startup"] < each["seconds"] and each["page"] > 0 for each in found)
    assert "<svg" in (tmp_path / "plot.svg").read_text()


def test_a_class_that_grows_dearer_is_found_out(figures: ModuleType) -> None:
    from scale import Scaled, limits

    def kept(cpu: float, peak: float = 100.0) -> list[bool]:
        few, many = (
            Scaled(n, 1, 9.0, 1.0, n * each, {"all": mb}, 1.0) for n, each, mb in ((5, 1.0, 100.0), (50, cpu, peak))
        )
        return [limit.kept for limit in limits([few, many])]

    assert kept(1.04) == [True, True, True]
    assert kept(1.06) == [False, True, True]
    assert kept(1.0, 151.0) == [True, False, True]


def test_the_cluster_demo_ends_where_its_run_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    import cluster_demo

    killing = cluster_demo._killing("tcp://127.0.0.1:9", tmp_path, 1)
    with pytest.raises(RuntimeError, match="the run failed"), cluster_demo._beside(killing):
        raise RuntimeError("the run failed")
