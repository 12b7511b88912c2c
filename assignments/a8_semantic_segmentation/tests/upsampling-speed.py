"""Public checks of upsampling-speed, for otter: grader.check("upsampling-speed"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "upsampling-speed"
checks = PublicQuestion(name)


@test_case(name="bilinear_is_fast")
def case_1():
    checks.require("bilinear_is_fast")
