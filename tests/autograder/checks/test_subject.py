"""One worker serves as many questions as it may: rules can be lifted in it, and never laid on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.checks.sides.student import Subject
from autograder.course.model import Limits, Question
from autograder.course.rules import load_rules
from autograder.errors import ForbiddenUse, StudentError, WorkerTimeout
from autograder.sandbox import Package, Sandbox, Worker
from autograder.sandbox.proxy import Proxy, assign, fetch, patient, place

SOURCE = b"""
import os, torch
x = torch.randn(1, 1, 4, 4)
def marked(): globals().setdefault("mark", os.urandom(8).hex()); return mark
def convolve(): return torch.nn.functional.conv2d(x, torch.ones(1, 1, 3, 3))
def pool(): return torch.nn.functional.max_pool2d(x, 2)
class Box:
    @property
    def narrow(self): return 1
    @narrow.setter
    def narrow(self, value): raise AttributeError("can't set")
def same(box, value): return [box.content["image"] is value, float(value.sum())]
def names(): return list(globals())
def on_gpu():
    return torch.ones(2, device="cuda").cuda().to("cuda:0") + 1
"""
RULES = Path(__file__).parents[3] / "solutions/rules.toml"
CONVOLUTION = Question("conv", "", 1, "convolve", "m", rules=("convolution", "autograd"))
POOLING = Question("pool", "", 1, "pool", "m", rules=("pooling", "autograd"))
FREE = Question("free", "", 1, "convolve", "m")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rules=list(load_rules(RULES).values())) as sandbox:
        yield sandbox


@pytest.fixture
def subject(sandbox: Sandbox) -> Iterator[Subject]:
    with Subject(sandbox, Package({"m.py": SOURCE}, "", frozenset({"m.py"})), Limits()) as subject:
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


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The operations of each request that a worker gets."""
    sent: list[list[str]] = []
    request = Worker.request

    def counted(worker: Worker, op: str, payload: Any, timeout: Any = None, first: Any = ()) -> Any:
        sent.append([*(op for op, _ in first), op])
        return request(worker, op, payload, timeout, first)

    monkeypatch.setattr(Worker, "request", counted)
    return sent


def test_what_one_worker_has_compiled_another_need_not(subject: Subject, sent: list[list[str]]) -> None:
    begun(subject, CONVOLUTION).marked()
    begun(subject, POOLING).marked()
    assert sent == [["compile"], ["load"], ["begin", "call"], ["load"], ["begin", "call"]]
    assign(begun(subject, POOLING).Box(), "narrow", 3)
    with pytest.raises(StudentError) as caught:
        subject.settle()
    assert caught.value.location
    assert caught.value.location.line == 11


def test_what_does_not_compile_says_so_when_it_is_imported(sandbox: Sandbox) -> None:
    with Subject(sandbox, Package({"m.py": b"x = 1\ndef f(:"}, "", frozenset({"m.py"})), Limits()) as subject:
        for question in (CONVOLUTION, POOLING):
            with pytest.raises(StudentError) as caught:
                begun(subject, question).f()
            assert caught.value.kind == "SyntaxError"
            assert caught.value.location
            assert caught.value.location.line == 2


def test_what_is_placed_and_set_goes_along_with_the_next_request(subject: Subject, sent: list[list[str]]) -> None:
    student = begun(subject, FREE)
    box, image = student.Box(), torch.arange(16.0).reshape(1, 1, 4, 4)
    placed, other = place(student, image), place(student, image, strided=True)
    image.zero_()
    assign(box, "content", {"image": placed})
    assert student.same(box, placed) == [True, 120.0]
    assert student.same(box, other) == [False, 120.0]
    assert torch.equal(fetch(placed), torch.arange(16.0).reshape(1, 1, 4, 4))
    assert sent == [["compile"], ["load"], ["begin", "call"], ["place", "place", "set", "call"], ["call"], ["get"]]
    subject.settle()
    assert len(sent) == 6


def test_what_no_request_takes_along_is_settled(subject: Subject) -> None:
    student = begun(subject, FREE)
    box = student.Box()
    assign(box, "narrow", 3)
    with pytest.raises(StudentError) as caught:
        subject.settle()
    assert caught.value.kind == "AttributeError"
    assert caught.value.location
    assert caught.value.location.line == 11
    subject.settle()
    assign(box, "narrow", 3)
    begun(subject, FREE)  # a case that has failed leaves nothing to the next one
    subject.settle()


def test_an_operation_that_fails_keeps_what_follows_from_happening(subject: Subject) -> None:
    student = begun(subject, FREE)
    box = student.Box()
    assign(box, "narrow", 3)
    with pytest.raises(StudentError, match="can't set"):
        student.marked()
    assert "mark" not in student.names()


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


def test_a_measurement_uses_up_nothing_of_the_questions_seconds(sandbox: Sandbox) -> None:
    source = b"import time\nsleep = time.sleep\n"
    limits = Limits(question_seconds=2.0)
    with Subject(sandbox, Package({"m.py": source}, "", frozenset({"m.py"})), limits) as subject:
        student = begun(subject, FREE)
        student.sleep(0.0)
        with subject.measured(60.0):
            student.sleep(2.1)
        student.sleep(0.0)
        with pytest.raises(WorkerTimeout):
            student.sleep(5.0)


def test_a_function_without_arguments_that_does_not_end_is_called_once(sandbox: Sandbox) -> None:
    source = b"def choose():\n    while True: pass\ndef use(x): return x\n"
    limits = Limits(call_seconds=0.5)
    with Subject(sandbox, Package({"m.py": source}, "", frozenset({"m.py"})), limits) as subject:
        errors = []
        for question in (FREE, FREE, POOLING):
            with pytest.raises(WorkerTimeout, match=r"no answer within 0\.5 s") as caught:
                begun(subject, question).choose()
            errors.append(caught.value)
        assert len(set(map(id, errors))) == 3  # each case adds notes to its own
        assert subject.call_seconds < 1.0
        assert begun(subject, FREE).use(3) == 3


@pytest.mark.parametrize("again", ["with an argument", "not first in its case", "with more time"])
def test_another_call_of_a_function_that_did_not_end_is_made(sandbox: Sandbox, again: str) -> None:
    source = b"wait = [True]\ndef other(): wait[0] = False\n"
    source += b"def choose(*x):\n    while wait[0] and not x: pass\n    return 1\n"
    with Subject(sandbox, Package({"m.py": source}, "", frozenset({"m.py"})), Limits(call_seconds=0.5)) as subject:
        with pytest.raises(WorkerTimeout):
            begun(subject, FREE).choose()
        student = begun(subject, FREE)
        if again == "with more time":
            with pytest.raises(WorkerTimeout, match=r"within 0\.7 s"):
                patient(student.choose, 0.7)()
        elif again == "with an argument":
            assert student.choose(1) == 1
        else:
            student.other()
            assert student.choose() == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_asked_for_by_name_is_told(sandbox: Sandbox, subject: Subject) -> None:
    with subject:
        assert begun(subject, FREE).names()
        assert begun(subject, FREE).on_gpu().tolist() == [2, 2]
    assert subject.no_gpu == "m.py:15"
