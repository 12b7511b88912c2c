"""Public checks of localization-net, for otter: grader.check("localization-net"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "localization-net"
checks = PublicQuestion(name)


@test_case(name="shapes[animals]")
def case_1():
    checks.require("shapes[animals]")


@test_case(name="shapes[grey-images]")
def case_2():
    checks.require("shapes[grey-images]")


@test_case(name="parameters")
def case_3():
    checks.require("parameters")
