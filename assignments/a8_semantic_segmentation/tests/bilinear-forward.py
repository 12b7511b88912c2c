"""Public checks of bilinear-forward, for otter: grader.check("bilinear-forward"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "bilinear-forward"
checks = PublicQuestion(name)


@test_case(name="bilinear_of_the_slide")
def case_1():
    checks.require("bilinear_of_the_slide")


@test_case(name="bilinear_with_odd_ratios")
def case_2():
    checks.require("bilinear_with_odd_ratios")
