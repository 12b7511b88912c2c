"""Public checks of transposed-1d, for otter: grader.check("transposed-1d"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "transposed-1d"
checks = PublicQuestion(name)


@test_case(name="1d_example_of_the_lecture")
def case_1():
    checks.require("1d_example_of_the_lecture")


@test_case(name="1d_with_stride_3")
def case_2():
    checks.require("1d_with_stride_3")
