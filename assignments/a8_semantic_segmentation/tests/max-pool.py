"""Public checks of max-pool, for otter: grader.check("max-pool"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "max-pool"
checks = PublicQuestion(name)


@test_case(name="max_pool_of_the_slide")
def case_1():
    checks.require("max_pool_of_the_slide")


@test_case(name="max_pool_backward")
def case_2():
    checks.require("max_pool_backward")
