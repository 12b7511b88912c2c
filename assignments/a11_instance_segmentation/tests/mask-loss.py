"""Public checks of mask-loss, for otter: grader.check("mask-loss"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "mask-loss"
checks = PublicQuestion(name)


@test_case(name="loss")
def case_1():
    checks.require("loss")


@test_case(name="no_regions")
def case_2():
    checks.require("no_regions")
