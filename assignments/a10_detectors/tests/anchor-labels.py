"""Public checks of anchor-labels, for otter: grader.check("anchor-labels"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "anchor-labels"
checks = PublicQuestion(name)


@test_case(name="labels_by_hand")
def case_1():
    checks.require("labels_by_hand")


@test_case(name="no_boxes")
def case_2():
    checks.require("no_boxes")
