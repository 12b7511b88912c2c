"""Public checks of detect, for otter: grader.check("detect"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "detect"
checks = PublicQuestion(name)


@test_case(name="one_detection[boxes]")
def case_1():
    checks.require("one_detection[boxes]")


@test_case(name="one_detection[scores]")
def case_2():
    checks.require("one_detection[scores]")


@test_case(name="one_detection[labels]")
def case_3():
    checks.require("one_detection[labels]")
