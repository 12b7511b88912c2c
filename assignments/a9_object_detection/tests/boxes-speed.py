"""Public checks of boxes-speed, for otter: grader.check("boxes-speed"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "boxes-speed"
checks = PublicQuestion(name)


@test_case(name="iou_pace")
def case_1():
    checks.require("iou_pace")


@test_case(name="nms_pace")
def case_2():
    checks.require("nms_pace")
