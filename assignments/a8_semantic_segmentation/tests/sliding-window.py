"""Public checks of sliding-window, for otter: grader.check("sliding-window"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "sliding-window"
checks = PublicQuestion(name)


@test_case(name="sliding_window")
def case_1():
    checks.require("sliding_window")
