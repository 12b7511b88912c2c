"""Public checks of half-minute, for otter: grader.check("half-minute"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "half-minute"
checks = PublicQuestion(name)


@test_case(name="solver_learns")
def case_1():
    checks.require("solver_learns")
