"""Public checks of pixel-loss, for otter: grader.check("pixel-loss"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "pixel-loss"
checks = PublicQuestion(name)


@test_case(name="loss_of_equal_scores")
def case_1():
    checks.require("loss_of_equal_scores")


@test_case(name="loss[plain]")
def case_2():
    checks.require("loss[plain]")


@test_case(name="loss[weighted]")
def case_3():
    checks.require("loss[weighted]")
