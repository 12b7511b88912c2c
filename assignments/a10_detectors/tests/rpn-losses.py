"""Public checks of rpn-losses, for otter: grader.check("rpn-losses"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "rpn-losses"
checks = PublicQuestion(name)


@test_case(name="losses_by_hand[one-box]")
def case_1():
    checks.require("losses_by_hand[one-box]")


@test_case(name="losses_by_hand[no-boxes]")
def case_2():
    checks.require("losses_by_hand[no-boxes]")
