"""Public checks of resnet-speed, for otter: grader.check("resnet-speed"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "resnet-speed"
checks = PublicQuestion(name)


@test_case(name="resnet")
def case_1():
    checks.require("resnet")
