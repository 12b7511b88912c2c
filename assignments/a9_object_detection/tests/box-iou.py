"""Public checks of box-iou, for otter: grader.check("box-iou"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "box-iou"
checks = PublicQuestion(name)


@test_case(name="iou_by_hand")
def case_1():
    checks.require("iou_by_hand")


@test_case(name="the_lectures_words")
def case_2():
    checks.require("the_lectures_words")


@test_case(name="iou_without_area")
def case_3():
    checks.require("iou_without_area")


@test_case(name="iou")
def case_4():
    checks.require("iou")
