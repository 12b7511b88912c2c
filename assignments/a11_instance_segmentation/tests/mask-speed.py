"""Public checks of mask-speed, for otter: grader.check("mask-speed"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "mask-speed"
checks = PublicQuestion(name)


@test_case(name="pace")
def case_1():
    checks.require("pace")
