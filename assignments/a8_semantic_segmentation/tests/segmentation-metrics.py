"""Public checks of segmentation-metrics, for otter: grader.check("segmentation-metrics"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "segmentation-metrics"
checks = PublicQuestion(name)


@test_case(name="confusion_by_hand")
def case_1():
    checks.require("confusion_by_hand")


@test_case(name="metrics_by_hand")
def case_2():
    checks.require("metrics_by_hand")
