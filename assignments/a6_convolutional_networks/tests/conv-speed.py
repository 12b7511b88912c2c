"""Public checks of conv-speed, for otter: grader.check("conv-speed"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "conv-speed"
checks = PublicQuestion(name)


@test_case(name="conv_forward")
def case_1():
    checks.require("conv_forward")


@test_case(name="conv_backward")
def case_2():
    checks.require("conv_backward")
