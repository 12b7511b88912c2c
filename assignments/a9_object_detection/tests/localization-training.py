"""Public checks of localization-training, for otter: grader.check("localization-training"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "localization-training"
checks = PublicQuestion(name)


@test_case(name="setup")
def case_1():
    checks.require("setup")


@test_case(name="saved")
def case_2():
    checks.require("saved")
