"""Public checks of refinement-stage, for otter: grader.check("refinement-stage"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "refinement-stage"
checks = PublicQuestion(name)


@test_case(name="stage")
def case_1():
    checks.require("stage")
