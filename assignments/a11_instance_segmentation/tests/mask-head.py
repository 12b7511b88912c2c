"""Public checks of mask-head, for otter: grader.check("mask-head"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "mask-head"
checks = PublicQuestion(name)


@test_case(name="head[regions]")
def case_1():
    checks.require("head[regions]")


@test_case(name="head[no-regions]")
def case_2():
    checks.require("head[no-regions]")
