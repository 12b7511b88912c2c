"""Public checks of count-boxes, for otter: grader.check("count-boxes"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "count-boxes"
checks = PublicQuestion(name)


@test_case(name="positions")
def case_1():
    checks.require("positions")


@test_case(name="all_boxes")
def case_2():
    checks.require("all_boxes")
