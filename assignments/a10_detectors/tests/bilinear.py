"""Public checks of bilinear, for otter: grader.check("bilinear"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "bilinear"
checks = PublicQuestion(name)


@test_case(name="the_lectures_point")
def case_1():
    checks.require("the_lectures_point")


@test_case(name="the_border")
def case_2():
    checks.require("the_border")
