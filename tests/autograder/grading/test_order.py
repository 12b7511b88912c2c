"""An order means the same wherever it is carried out."""

from __future__ import annotations

import os
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import msgspec
import pytest

from autograder.course.layout import Course
from autograder.errors import UsageError
from autograder.grading import order as orders
from autograder.grading.order import Order, available_cores
from tests.autograder.conftest import Toy


@pytest.fixture
def order(toy: Toy) -> Order:
    course = Course.find(toy.root)
    settings = {"notebooks": True, "device": "cuda", "unsafe": True}
    return Order.of(course, course.assignment("t1"), 2**53 - 1, toy.submitted, **settings)


def test_it_travels_as_json(order: Order) -> None:
    assert Order.from_json(order.to_json()) == order
    assert Order.from_json(replace(order, submissions=None).to_json()).submissions is None
    with pytest.raises(msgspec.ValidationError, match="seed"):
        Order.from_json(order.to_json().replace("9007199254740991", '"1"'))


def test_it_names_its_course_and_does_not_change(order: Order, toy: Toy) -> None:
    course, assignment = order.read()
    assert (course.root, assignment.name) == (toy.root.resolve(), "t1_toy")
    with pytest.raises(FrozenInstanceError):
        order.seed = 1  # type: ignore[misc]
    with pytest.raises(UsageError, match="t2_toy"):
        replace(order, assignment="t2_toy").read()


def test_each_machine_finds_for_itself_what_to_import_ahead(order: Order, toy: Toy) -> None:
    assert order.on_this_machine().preload == ()
    (toy.root / "solutions/t1_toy/toy.py").write_text("import torch.optim\n")
    assert order.on_this_machine().preload == ("torch._dynamo",)


@pytest.mark.parametrize(("limit", "cores"), [("max 100000", 8), ("150000 100000", 2), ("3200000 100000", 8), ("", 8)])
def test_a_container_with_a_limit_of_cpus_has_fewer_cores(
    limit: str, cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(orders, "CPU_LIMIT", tmp_path / "cpu.max")
    assert available_cores() == 8
    (tmp_path / "cpu.max").write_text(limit)
    assert available_cores() == cores
