"""A made-up class for looking at and testing reports: every outcome, every trouble, reproducible by seed."""

from __future__ import annotations

import random
from datetime import timedelta

from autograder.course.model import Assignment, Question
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionInfo, SubmissionResult

__all__ = ["make_class", "make_result"]

FAMILY = (
    "kim",
    "lee",
    "park",
    "choi",
    "jung",
    "kang",
    "cho",
    "yoon",
    "jang",
    "lim",
    "han",
    "oh",
    "seo",
    "shin",
    "kwon",
    "hwang",
    "ahn",
    "song",
    "ryu",
    "hong",
)
GIVEN = (
    "minjun",
    "seoyeon",
    "dohyun",
    "jiwoo",
    "haeun",
    "junseo",
    "yuna",
    "siwoo",
    "chaewon",
    "taeyang",
    "eunji",
    "hyunwoo",
    "nari",
    "gunho",
    "sora",
)
KOREAN = ("김민준", "이서연", "박도현", "최지우", "정하은", "강준서")
GEOMETRIES = ("square", "asymmetric", "stride-2", "no-pad", "1x1-kernel", "batch-of-one", "wide", "float32")
CHECKS = ("matches", "inputs-unchanged", "keeps-dtype")

CAUSES = {
    Outcome.FAILED: (
        "shape is (2, 3, 5, 4), wanted (2, 3, 4, 5)",
        "height and width are swapped: is one of them used for both?",
    ),
    Outcome.ERROR: ("IndexError", "an index runs past the last window when the stride is 2"),
    Outcome.NOT_ATTEMPTED: ("the stub is still there", ""),
    Outcome.TIMEOUT: ("no answer within 10 s", "loop over windows, not over every element of every image"),
    Outcome.OUT_OF_MEMORY: ("more than 1024 MiB", "do not keep every window of every image at once"),
    Outcome.CRASHED: ("the process ended with status 0 while a call was running", "do not end the process"),
    Outcome.FORBIDDEN: ("used torch.nn.functional.conv2d, which this question rules out", "write the loops out"),
    Outcome.BLOCKED: ("", ""),
    Outcome.PENDING: ("", ""),
    Outcome.GRADER_ERROR: ("KeyError: 'w' in the check itself", ""),
}
WRONG = (
    "17 of 240 elements differ; the worst is at (1, 2, 0, 4), off by 3.1e-01 where 1e-06 is allowed",
    "only the last row and column differ: look at how the padding is cut off again",
)


def make_class(assignment: Assignment, size: int = 16, seed: int = 0) -> list[SubmissionResult]:
    """`size` submissions, most of them middling to good; the first few carry one trouble each."""
    random_ = random.Random(seed)
    troubles = [None, None, *CAUSES]
    return [
        make_result(assignment, index, random_, troubles[index] if index < len(troubles) else None)
        for index in range(size)
    ]


def make_result(
    assignment: Assignment, index: int, random_: random.Random, trouble: Outcome | None = None
) -> SubmissionResult:
    skill = 1.01 if index == 0 else random_.betavariate(3.2, 1.3)
    if trouble is Outcome.NOT_ATTEMPTED:
        questions = [_question(question, Outcome.NOT_ATTEMPTED, 0.0, random_) for question in assignment.questions]
    else:
        at = random_.randrange(4)
        questions = [
            _question(question, trouble, skill, random_)
            if trouble and number == at
            else _question(question, *_fate(skill, random_), random_)
            for number, question in enumerate(assignment.questions)
        ]
    option = "2" if index == 5 else "1"
    scale = assignment.option(option).scale
    name = f"{FAMILY[index % 20]}_{GIVEN[index * 7 % 15]}"
    late = index in (3, 11)
    id = f"{2018 + index % 5}-{10000 + 7919 * index % 90000}"
    info = SubmissionInfo(
        submission=f"{name}-{id}-A{assignment.number}-O{option}",
        name=KOREAN[index] if index < len(KOREAN) else name.replace("_", " ").title(),
        id=id,
        option=option,
        members=(("2020-11111", "Sam Ito"), (id, name.replace("_", " ").title())) if index == 7 else (),
        submitted_at=(assignment.due + timedelta(hours=5.2 if late else -2.5 * index - 0.4)).isoformat(),
        late=late,
        notes=("the files lie in a folder inside the zip", "given code was changed in 1 place") if index == 4 else (),
    )
    return SubmissionResult(
        assignment=assignment.id,
        info=info,
        score=sum(question.score for question in questions) * scale,
        max_score=assignment.max_score,
        questions=tuple(questions),
        seed=20221202,
        scale=scale,
        environment={"python": "3.11.7", "torch": "2.13.0", "numpy": "2.3.1", "device": "cpu"},
        isolation={"level": "A", "layers": {"namespaces": True, "landlock": True, "seccomp": True, "cgroup": False}},
        fingerprint=f"{random_.getrandbits(256):064x}",
        seconds=2.5,
    )


def _fate(skill: float, random_: random.Random) -> tuple[Outcome, float]:
    if random_.random() < skill:
        return Outcome.PASSED, 1.0
    return random_.choice((Outcome.FAILED, Outcome.FAILED, Outcome.ERROR, Outcome.BLOCKED)), skill


def _question(question: Question, outcome: Outcome, skill: float, random_: random.Random) -> QuestionResult:
    ids = [f"{question.id.split('-')[-1]}-{CHECKS[0]}[{geometry}]" for geometry in GEOMETRIES]
    ids += [f"{question.id.split('-')[-1]}-{check}" for check in CHECKS[1:]]
    none = outcome in (Outcome.NOT_ATTEMPTED, Outcome.BLOCKED, Outcome.FORBIDDEN)
    cases = tuple(_case(id, outcome if none or random_.random() > skill else Outcome.PASSED) for id in ids)
    if outcome is not Outcome.PASSED and all(case.outcome is Outcome.PASSED for case in cases):
        cases = (_case(ids[1], outcome), *cases[:1], *cases[2:])
    passed = sum(case.outcome is Outcome.PASSED for case in cases)
    score = question.points * passed / len(cases)
    return QuestionResult(
        question.id, question.title, question.points, score, Outcome.of(c.outcome for c in cases), cases
    )


def _case(id: str, outcome: Outcome) -> CaseResult:
    if outcome is Outcome.PASSED:
        return CaseResult(id, outcome, seconds=0.02)
    message, hint = WRONG if outcome is Outcome.FAILED and "s" in id[-3:] else CAUSES[outcome]
    at = outcome in (Outcome.ERROR, Outcome.FORBIDDEN, Outcome.NOT_ATTEMPTED)
    return CaseResult(
        id,
        outcome,
        message,
        hint,
        location="convolutional_networks.py:112" if at else "",
        detail=f"Traceback of {id}: for instructors only",
        seconds=0.03,
    )
