"""Public checks of nms, for otter: grader.check("nms"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "nms"
checks = PublicQuestion(name)


@test_case(name="chain")
def case_1():
    checks.require("chain")


@test_case(name="exactly_the_threshold")
def case_2():
    checks.require("exactly_the_threshold")


@test_case(name="by_class")
def case_3():
    checks.require("by_class")
