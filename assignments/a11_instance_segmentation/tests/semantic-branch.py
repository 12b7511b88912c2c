"""Public checks of semantic-branch, for otter: grader.check("semantic-branch"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "semantic-branch"
checks = PublicQuestion(name)


@test_case(name="shape")
def case_1():
    checks.require("shape")
