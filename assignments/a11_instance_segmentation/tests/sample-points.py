"""Public checks of sample-points, for otter: grader.check("sample-points"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "sample-points"
checks = PublicQuestion(name)


@test_case(name="points[points]")
def case_1():
    checks.require("points[points]")


@test_case(name="points[normals]")
def case_2():
    checks.require("points[normals]")
