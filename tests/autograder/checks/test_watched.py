"""A question's rules in a student's own process: refused as in grading, and nothing of it stays behind."""

from __future__ import annotations

import shutil
import types
from pathlib import Path

import pytest
import torch

from autograder.checks import assert_pace
from autograder.checks.public.run import RULES, assignment_in, public_results, rules_in
from autograder.checks.public.watched import Watch, WatchedChannel, unwatched
from autograder.course.layout import Course
from autograder.course.outcome import Outcome
from autograder.errors import ForbiddenUse, UsageError
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.proxy import Proxy
from tests.autograder.conftest import ROOT

SOURCE = """
import torch
from torch.autograd import grad
from torch.nn.functional import conv2d

class Layer:
    @staticmethod
    def plain(x):
        return 2 * x

    @staticmethod
    def convolves(x):
        return conv2d(x, x)

    @staticmethod
    def hides(x):
        try:
            return torch.nn.Conv2d(1, 1, 1)(x)
        except Exception:
            return x

    @staticmethod
    def differentiates(x):
        with torch.enable_grad():
            x = x.requires_grad_()
            return grad((x * x).sum(), x)[0]

    @staticmethod
    def goes_backward(x):
        with torch.enable_grad():
            x = x.requires_grad_()
            (x * x).sum().backward()
        return x.grad

    @staticmethod
    def stops(x):
        raise KeyboardInterrupt

    @staticmethod
    def unfolds(x):
        return torch.vmap(lambda each: torch.nn.functional.unfold(each[None], 1)[0])(x)

class Given:
    @staticmethod
    def convolves(x):
        return conv2d(x, x)
"""


@pytest.fixture
def student(tmp_path: Path) -> Proxy:
    """A module of a student's, under the rules of convolution and autograd; `Given` is not the student's."""
    file = tmp_path / "layer.py"
    file.write_text(SOURCE)
    module = types.ModuleType("layer")
    module.__file__ = str(file)
    exec(compile(SOURCE, str(file), "exec"), vars(module))
    own = {str(file)}
    watch = Watch(Course.find(ROOT).rules, own)
    return Proxy(WatchedChannel(LocalChannel(module, own), ["convolution", "autograd"], {"Layer"}, watch))


X = torch.ones(1, 1, 2, 2)


@pytest.mark.parametrize(
    "method, what, begins",
    [
        ("convolves", "convolution or unfold", "return conv2d(x, x)"),
        ("hides", "convolution or unfold", "return torch.nn.Conv2d"),
        ("unfolds", "convolution or unfold", "return torch.vmap"),
        ("differentiates", "autograd engine", "return grad("),
        ("goes_backward", "autograd engine", "(x * x).sum().backward()"),
    ],
)
def test_what_is_ruled_out_is_refused_and_its_line_told(student: Proxy, method: str, what: str, begins: str) -> None:
    with pytest.raises(ForbiddenUse, match=what) as refused:
        getattr(student.Layer, method)(X)
    location = refused.value.location
    assert location is not None
    assert location.file == "layer.py"
    assert begins in SOURCE.splitlines()[location.line - 1]


def test_anything_else_works_and_given_code_may_do_what_answers_may_not(student: Proxy) -> None:
    assert student.Layer.plain(X).sum() == 8
    assert student.Given.convolves(X).shape == (1, 1, 1, 1)


def test_nothing_stays_laid_on(student: Proxy) -> None:
    for method in ("convolves", "differentiates", "stops"):
        with pytest.raises((ForbiddenUse, KeyboardInterrupt)):
            getattr(student.Layer, method)(X)
        assert torch.nn.functional.conv2d(X, X).item() == 4
        x = X.clone().requires_grad_()
        (x * x).sum().backward()
        assert x.grad is not None
        assert x.grad.sum() == 8


def test_a_timed_call_is_watched_once_and_then_timed_as_it_is(student: Proxy) -> None:
    with unwatched():
        assert student.Layer.convolves(X).item() == 4
    with pytest.raises(ForbiddenUse):
        student.Layer.convolves(X)
    with pytest.raises(ForbiddenUse):
        assert_pace(
            lambda: student.Layer.convolves(X), lambda: student.Given.convolves(X), at_most=1e9, what="a", against="b"
        )
    assert_pace(lambda: student.Layer.plain(X), lambda: student.Layer.plain(X), at_most=1e9, what="a", against="b")


def test_a_folder_without_its_rules_is_not_checked_silently(tmp_path: Path) -> None:
    folder = tmp_path / "a6"
    shutil.copytree(Course.find(ROOT).handout(Course.find(ROOT).assignment("a6")), folder)
    assert set(rules_in(folder, assignment_in(folder))) >= {"convolution", "pooling", "autograd"}
    (folder / RULES).unlink()
    with pytest.raises(UsageError, match="'convolution' is not in it: unzip"):
        public_results(folder, "kaiming")


def test_public_checks_refuse_what_grading_refuses(tmp_path: Path) -> None:
    """The answer that issue 13 begins with: torch's convolution passed every public check."""
    course = Course.find(ROOT)
    assignment = course.assignment("a6")
    folder = tmp_path / "a6"
    shutil.copytree(course.handout(assignment), folder)
    source = (course.solution(assignment) / assignment.files[0]).read_text(encoding="utf-8")
    right = "        out = (w.reshape(F, C * HH * WW) @ windows).reshape(N, F, rows, columns) + b.reshape(F, 1, 1)"
    assert right in source
    wrong = "        out = torch.nn.functional.conv2d(x, w, b, stride=stride, padding=pad)"
    (folder / assignment.files[0]).write_text(source.replace(right, wrong), encoding="utf-8")
    cases = public_results(folder, "conv-forward")["conv-forward"]
    assert {case.outcome for case in cases} == {Outcome.FORBIDDEN}
    assert {case.message for case in cases} == {"used torch's convolution or unfold, which this question rules out"}
    line = source[: source.index(right)].count("\n") + 1
    assert {case.location for case in cases} == {f"{assignment.files[0]}:{line}"}
    assert {case.outcome for case in public_results(folder, "pool-forward")["pool-forward"]} == {Outcome.PASSED}
