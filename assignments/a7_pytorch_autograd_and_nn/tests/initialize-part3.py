"""Public checks of initialize-part3, for otter: grader.check("initialize-part3"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "initialize-part3"
checks = PublicQuestion(name)


@test_case(name="part3")
def case_1():
    checks.require("part3")


@test_case(name="part3_network")
def case_2():
    checks.require("part3_network")
