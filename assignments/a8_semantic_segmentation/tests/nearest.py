"""Public checks of nearest, for otter: grader.check("nearest"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "nearest"
checks = PublicQuestion(name)


@test_case(name="nearest_of_the_slide")
def case_1():
    checks.require("nearest_of_the_slide")


@test_case(name="nearest_with_odd_ratios")
def case_2():
    checks.require("nearest_with_odd_ratios")
