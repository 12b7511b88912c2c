"""Public checks of max-unpool, for otter: grader.check("max-unpool"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "max-unpool"
checks = PublicQuestion(name)


@test_case(name="max_unpool_of_the_slide")
def case_1():
    checks.require("max_unpool_of_the_slide")


@test_case(name="max_unpool_backward")
def case_2():
    checks.require("max_unpool_backward")
