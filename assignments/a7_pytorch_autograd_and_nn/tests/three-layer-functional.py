"""Public checks of three-layer-functional, for otter: grader.check("three-layer-functional"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "three-layer-functional"
checks = PublicQuestion(name)


@test_case(name="scores_by_hand")
def case_1():
    checks.require("scores_by_hand")


@test_case(name="scores_and_gradients[keeps-the-size]")
def case_2():
    checks.require("scores_and_gradients[keeps-the-size]")


@test_case(name="scores_and_gradients[changes-the-size]")
def case_3():
    checks.require("scores_and_gradients[changes-the-size]")
