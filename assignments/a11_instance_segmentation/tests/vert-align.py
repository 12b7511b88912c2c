"""Public checks of vert-align, for otter: grader.check("vert-align"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "vert-align"
checks = PublicQuestion(name)


@test_case(name="lookup")
def case_1():
    checks.require("lookup")
