"""Public checks of selective-search, for otter: grader.check("selective-search"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "selective-search"
checks = PublicQuestion(name)


@test_case(name="two_squares")
def case_1():
    checks.require("two_squares")


@test_case(name="quilt")
def case_2():
    checks.require("quilt")
