"""Public checks of mask-ap, for otter: grader.check("mask-ap"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "mask-ap"
checks = PublicQuestion(name)


@test_case(name="iou")
def case_1():
    checks.require("iou")


@test_case(name="average_precision")
def case_2():
    checks.require("average_precision")
