"""Public checks of warp-crops, for otter: grader.check("warp-crops"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "warp-crops"
checks = PublicQuestion(name)


@test_case(name="identity")
def case_1():
    checks.require("identity")


@test_case(name="crops[0.0]")
def case_2():
    checks.require("crops[0.0]")


@test_case(name="crops[0.2]")
def case_3():
    checks.require("crops[0.2]")
