"""Public checks of bilinear-backward, for otter: grader.check("bilinear-backward"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "bilinear-backward"
checks = PublicQuestion(name)


@test_case(name="bilinear_backward")
def case_1():
    checks.require("bilinear_backward")
