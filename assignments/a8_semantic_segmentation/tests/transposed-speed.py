"""Public checks of transposed-speed, for otter: grader.check("transposed-speed"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "transposed-speed"
checks = PublicQuestion(name)


@test_case(name="transposed_convolution_is_fast")
def case_1():
    checks.require("transposed_convolution_is_fast")
