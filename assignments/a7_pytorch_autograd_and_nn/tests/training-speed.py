"""Public checks of training-speed, for otter: grader.check("training-speed"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "training-speed"
checks = PublicQuestion(name)


@test_case(name="functional")
def case_1():
    checks.require("functional")


@test_case(name="module")
def case_2():
    checks.require("module")
