"""Public checks of mask-rcnn, for otter: grader.check("mask-rcnn"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "mask-rcnn"
checks = PublicQuestion(name)


@test_case(name="losses[one-object]")
def case_1():
    checks.require("losses[one-object]")


@test_case(name="losses[no-objects]")
def case_2():
    checks.require("losses[no-objects]")
