"""Public checks of cubify, for otter: grader.check("cubify"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "cubify"
checks = PublicQuestion(name)


@test_case(name="counts[one-cell]")
def case_1():
    checks.require("counts[one-cell]")


@test_case(name="counts[two-cells]")
def case_2():
    checks.require("counts[two-cells]")


@test_case(name="volume")
def case_3():
    checks.require("volume")
