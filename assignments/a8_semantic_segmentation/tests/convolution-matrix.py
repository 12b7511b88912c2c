"""Public checks of convolution-matrix, for otter: grader.check("convolution-matrix"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "convolution-matrix"
checks = PublicQuestion(name)


@test_case(name="matrix_of_the_lecture")
def case_1():
    checks.require("matrix_of_the_lecture")


@test_case(name="convolution_of_the_lecture")
def case_2():
    checks.require("convolution_of_the_lecture")
