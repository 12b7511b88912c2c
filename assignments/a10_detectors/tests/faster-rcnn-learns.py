"""Public checks of faster-rcnn-learns, for otter: grader.check("faster-rcnn-learns"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "faster-rcnn-learns"
checks = PublicQuestion(name)


@test_case(name="saved")
def case_1():
    checks.require("saved")
