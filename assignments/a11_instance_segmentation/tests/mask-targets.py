"""Public checks of mask-targets, for otter: grader.check("mask-targets"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "mask-targets"
checks = PublicQuestion(name)


@test_case(name="targets[whole-mask]")
def case_1():
    checks.require("targets[whole-mask]")


@test_case(name="targets[a-part-of-it]")
def case_2():
    checks.require("targets[a-part-of-it]")
