"""Public checks of captions-learn, for otter: grader.check("captions-learn"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "captions-learn"
checks = PublicQuestion(name)


@test_case(name="saved")
def case_1():
    checks.require("saved")
