"""Public checks of transposed-backward, for otter: grader.check("transposed-backward"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "transposed-backward"
checks = PublicQuestion(name)


@test_case(name="backward")
def case_1():
    checks.require("backward")
