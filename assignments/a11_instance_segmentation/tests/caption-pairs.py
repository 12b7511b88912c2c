"""Public checks of caption-pairs, for otter: grader.check("caption-pairs"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "caption-pairs"
checks = PublicQuestion(name)


@test_case(name="pairs[inputs]")
def case_1():
    checks.require("pairs[inputs]")


@test_case(name="pairs[targets]")
def case_2():
    checks.require("pairs[targets]")
