"""Public checks of panoptic-merge, for otter: grader.check("panoptic-merge"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "panoptic-merge"
checks = PublicQuestion(name)


@test_case(name="merging[segments]")
def case_1():
    checks.require("merging[segments]")


@test_case(name="merging[segment_classes]")
def case_2():
    checks.require("merging[segment_classes]")
