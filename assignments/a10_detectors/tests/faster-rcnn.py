"""Public checks of faster-rcnn, for otter: grader.check("faster-rcnn"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "faster-rcnn"
checks = PublicQuestion(name)


@test_case(name="four_losses[two-boxes]")
def case_1():
    checks.require("four_losses[two-boxes]")


@test_case(name="four_losses[no-boxes]")
def case_2():
    checks.require("four_losses[no-boxes]")


@test_case(name="detections")
def case_3():
    checks.require("detections")
