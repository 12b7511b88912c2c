"""Public checks of pyramid, for otter: grader.check("pyramid"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "pyramid"
checks = PublicQuestion(name)


@test_case(name="pyramid_shapes")
def case_1():
    checks.require("pyramid_shapes")
