"""Public checks of proposal-labels, for otter: grader.check("proposal-labels"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "proposal-labels"
checks = PublicQuestion(name)


@test_case(name="labels_by_hand")
def case_1():
    checks.require("labels_by_hand")


@test_case(name="no_boxes")
def case_2():
    checks.require("no_boxes")
