"""Public checks of caption-ap, for otter: grader.check("caption-ap"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "caption-ap"
checks = PublicQuestion(name)


@test_case(name="similarity[a-part-of-it]")
def case_1():
    checks.require("similarity[a-part-of-it]")


@test_case(name="similarity[half]")
def case_2():
    checks.require("similarity[half]")


@test_case(name="similarity[nothing]")
def case_3():
    checks.require("similarity[nothing]")


@test_case(name="average_precision")
def case_4():
    checks.require("average_precision")
