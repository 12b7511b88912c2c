"""Public checks of sliding-boxes, for otter: grader.check("sliding-boxes"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "sliding-boxes"
checks = PublicQuestion(name)


@test_case(name="positions")
def case_1():
    checks.require("positions")


@test_case(name="stride")
def case_2():
    checks.require("stride")
