"""Public checks of average-precision, for otter: grader.check("average-precision"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "average-precision"
checks = PublicQuestion(name)


@test_case(name="area")
def case_1():
    checks.require("area")


@test_case(name="interpolated")
def case_2():
    checks.require("interpolated")


@test_case(name="reject_everything")
def case_3():
    checks.require("reject_everything")
