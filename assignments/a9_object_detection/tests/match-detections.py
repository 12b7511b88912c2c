"""Public checks of match-detections, for otter: grader.check("match-detections"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "match-detections"
checks = PublicQuestion(name)


@test_case(name="matches[next-best-truth]")
def case_1():
    checks.require("matches[next-best-truth]")


@test_case(name="matches[best-score-first]")
def case_2():
    checks.require("matches[best-score-first]")


@test_case(name="matches[exactly-the-threshold]")
def case_3():
    checks.require("matches[exactly-the-threshold]")


@test_case(name="nothing_to_match")
def case_4():
    checks.require("nothing_to_match")
