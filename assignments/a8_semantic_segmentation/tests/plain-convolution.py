"""Public checks of plain-convolution, for otter: grader.check("plain-convolution"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "plain-convolution"
checks = PublicQuestion(name)


@test_case(name="plain_convolution")
def case_1():
    checks.require("plain_convolution")
