"""Public checks of graph-convolution, for otter: grader.check("graph-convolution"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "graph-convolution"
checks = PublicQuestion(name)


@test_case(name="path")
def case_1():
    checks.require("path")
