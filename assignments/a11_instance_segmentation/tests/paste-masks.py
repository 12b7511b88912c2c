"""Public checks of paste-masks, for otter: grader.check("paste-masks"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "paste-masks"
checks = PublicQuestion(name)


@test_case(name="pasting")
def case_1():
    checks.require("pasting")


@test_case(name="pasting_targets")
def case_2():
    checks.require("pasting_targets")
