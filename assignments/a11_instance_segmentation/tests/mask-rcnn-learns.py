"""Public checks of mask-rcnn-learns, for otter: grader.check("mask-rcnn-learns"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "mask-rcnn-learns"
checks = PublicQuestion(name)


@test_case(name="saved")
def case_1():
    checks.require("saved")
