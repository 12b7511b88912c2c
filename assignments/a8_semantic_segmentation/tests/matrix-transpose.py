"""Public checks of matrix-transpose, for otter: grader.check("matrix-transpose"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "matrix-transpose"
checks = PublicQuestion(name)


@test_case(name="transpose_of_the_lecture")
def case_1():
    checks.require("transpose_of_the_lecture")


@test_case(name="transpose_without_the_padding")
def case_2():
    checks.require("transpose_without_the_padding")
