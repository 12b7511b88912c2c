"""Public checks of caption-head, for otter: grader.check("caption-head"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "caption-head"
checks = PublicQuestion(name)


@test_case(name="scores")
def case_1():
    checks.require("scores")


@test_case(name="loss")
def case_2():
    checks.require("loss")
