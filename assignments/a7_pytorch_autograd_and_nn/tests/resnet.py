"""Public checks of resnet, for otter: grader.check("resnet"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "resnet"
checks = PublicQuestion(name)


@test_case(name="count")
def case_1():
    checks.require("count")


@test_case(name="network[square]")
def case_2():
    checks.require("network[square]")


@test_case(name="network[not-square]")
def case_3():
    checks.require("network[not-square]")


@test_case(name="classifier")
def case_4():
    checks.require("classifier")
