"""A small assignment, and the real one with a class of sixteen."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from autograder.course.layout import Course
from autograder.course.model import Assignment, Component, Limits, Option, Question
from autograder.course.result import SubmissionResult


def _sample_class() -> Any:
    spec = importlib.util.spec_from_file_location("sample_class", Path(__file__).with_name("sample_class.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def a6() -> Assignment:
    return Course.find(Path(__file__)).assignment("a6")


@pytest.fixture(scope="session")
def make_class(a6: Assignment) -> Callable[[int], list[SubmissionResult]]:
    return lambda size: _sample_class().make_class(a6, size)


@pytest.fixture(scope="session")
def class16(make_class: Callable[[int], list[SubmissionResult]]) -> list[SubmissionResult]:
    return make_class(16)


@pytest.fixture(scope="session")
def small() -> Assignment:
    """Three questions, ten points each. One has the name of a column of grades.csv."""
    return Assignment(
        id="a1",
        name="a1_small",
        number=1,
        title="Small",
        due=datetime.fromisoformat("2022-12-02T23:59:00+09:00"),
        components=(Component("small", "small.ipynb"),),
        questions=tuple(Question(id, f"The {id}", 10, id, "small") for id in ("hints", "outcomes", "score")),
        options=(Option("1", "Own work"), Option("2", "Not own work", scale=0.5, review=True)),
        limits=Limits(),
    )
