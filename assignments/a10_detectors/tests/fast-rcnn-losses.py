"""Public checks of fast-rcnn-losses, for otter: grader.check("fast-rcnn-losses"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "fast-rcnn-losses"
checks = PublicQuestion(name)


@test_case(name="losses_by_hand")
def case_1():
    checks.require("losses_by_hand")


@test_case(name="losses")
def case_2():
    checks.require("losses")
