"""Public checks of fast-rcnn-detections, for otter: grader.check("fast-rcnn-detections"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "fast-rcnn-detections"
checks = PublicQuestion(name)


@test_case(name="detections_by_hand")
def case_1():
    checks.require("detections_by_hand")
