"""Public checks of residual-block, for otter: grader.check("residual-block"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "residual-block"
checks = PublicQuestion(name)


@test_case(name="count[ResidualBlock-3-3-174]")
def case_1():
    checks.require("count[ResidualBlock-3-3-174]")


@test_case(name="count[ResidualBlock-3-10-1226]")
def case_2():
    checks.require("count[ResidualBlock-3-10-1226]")


@test_case(name="block[ResidualBlock-same-channels]")
def case_3():
    checks.require("block[ResidualBlock-same-channels]")


@test_case(name="block[ResidualBlock-more-channels]")
def case_4():
    checks.require("block[ResidualBlock-more-channels]")


@test_case(name="block[ResidualBlock-smaller]")
def case_5():
    checks.require("block[ResidualBlock-smaller]")


@test_case(name="block[ResidualBlock-smaller-and-more-channels]")
def case_6():
    checks.require("block[ResidualBlock-smaller-and-more-channels]")
