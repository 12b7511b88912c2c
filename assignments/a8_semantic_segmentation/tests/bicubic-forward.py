"""Public checks of bicubic-forward, for otter: grader.check("bicubic-forward"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "bicubic-forward"
checks = PublicQuestion(name)


@test_case(name="bicubic_of_the_slide")
def case_1():
    checks.require("bicubic_of_the_slide")


@test_case(name="bicubic_with_odd_ratios")
def case_2():
    checks.require("bicubic_with_odd_ratios")
