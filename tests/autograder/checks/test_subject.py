"""One worker serves as many questions as it may: rules can be lifted in it, and never laid on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograder.checks.subject import Subject
from autograder.course.model import Limits, Question, Rule
from autograder.errors import ForbiddenUse
from autograder.sandbox import Package, Sandbox
from autograder.sandbox.proxy import Proxy

SOURCE = b"""
import os, torch
x = torch.randn(1, 1, 4, 4)
def marked(): globals().setdefault("mark", os.urandom(8).hex()); return mark
def convolve(): return torch.nn.functional.conv2d(x, torch.ones(1, 1, 3, 3))
def pool(): return torch.nn.functional.max_pool2d(x, 2)
"""
CONVOLUTION = Question("conv", "", 1, "convolve", rules=(Rule.CONVOLUTION, Rule.AUTOGRAD))
POOLING = Question("pool", "", 1, "pool", rules=(Rule.POOLING, Rule.AUTOGRAD))
FREE = Question("free", "", 1, "convolve")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def subject(sandbox: Sandbox) -> Iterator[Subject]:
    with Subject(sandbox, Package({"m.py": SOURCE}, "m", frozenset({"m.py"})), Limits()) as subject:
        yield subject


def begun(subject: Subject, question: Question) -> Proxy:
    channel = subject.channel(question)
    channel.request("begin", {"seed": 1})
    return Proxy(channel)


def test_fewer_rules_keep_the_worker_and_others_take_a_new_one(subject: Subject) -> None:
    first = begun(subject, CONVOLUTION).marked()
    second = begun(subject, POOLING).marked()
    assert begun(subject, FREE).marked() == second != first
    assert begun(subject, POOLING).marked() not in (first, second)


def test_each_question_is_held_to_its_own_rules(subject: Subject) -> None:
    with pytest.raises(ForbiddenUse):
        begun(subject, CONVOLUTION).convolve()
    with pytest.raises(ForbiddenUse):
        begun(subject, POOLING).pool()
    assert begun(subject, POOLING).convolve().shape == (1, 1, 2, 2)
    assert begun(subject, FREE).pool().shape == (1, 1, 2, 2)
    with pytest.raises(ForbiddenUse):
        begun(subject, POOLING).pool()


def test_a_case_that_asks_for_nothing_changes_no_rule(subject: Subject) -> None:
    begun(subject, POOLING).marked()
    begun(subject, FREE)
    with pytest.raises(ForbiddenUse):
        begun(subject, POOLING).pool()
