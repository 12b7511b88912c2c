"""Public checks of rpn-head, for otter: grader.check("rpn-head"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "rpn-head"
checks = PublicQuestion(name)


@test_case(name="head_shapes")
def case_1():
    checks.require("head_shapes")


@test_case(name="rows_by_hand")
def case_2():
    checks.require("rows_by_hand")
