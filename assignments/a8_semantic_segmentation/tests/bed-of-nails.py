"""Public checks of bed-of-nails, for otter: grader.check("bed-of-nails"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "bed-of-nails"
checks = PublicQuestion(name)


@test_case(name="bed_of_nails_of_the_slide")
def case_1():
    checks.require("bed_of_nails_of_the_slide")


@test_case(name="bed_of_nails_backward")
def case_2():
    checks.require("bed_of_nails_backward")
