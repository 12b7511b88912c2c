"""Public checks of localization-loss, for otter: grader.check("localization-loss"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "localization-loss"
checks = PublicQuestion(name)


@test_case(name="normalizing")
def case_1():
    checks.require("normalizing")


@test_case(name="undecided")
def case_2():
    checks.require("undecided")


@test_case(name="loss[loss]")
def case_3():
    checks.require("loss[loss]")


@test_case(name="loss[dscores]")
def case_4():
    checks.require("loss[dscores]")


@test_case(name="loss[dboxes]")
def case_5():
    checks.require("loss[dboxes]")
