"""Public checks of retinanet, for otter: grader.check("retinanet"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "retinanet"
checks = PublicQuestion(name)


@test_case(name="head_shapes")
def case_1():
    checks.require("head_shapes")


@test_case(name="losses_by_hand")
def case_2():
    checks.require("losses_by_hand")
