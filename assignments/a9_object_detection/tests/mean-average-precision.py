"""Public checks of mean-average-precision, for otter: grader.check("mean-average-precision"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "mean-average-precision"
checks = PublicQuestion(name)


@test_case(name="table")
def case_1():
    checks.require("table")


@test_case(name="mean")
def case_2():
    checks.require("mean")
