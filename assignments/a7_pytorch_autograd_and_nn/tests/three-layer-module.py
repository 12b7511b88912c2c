"""Public checks of three-layer-module, for otter: grader.check("three-layer-module"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "three-layer-module"
checks = PublicQuestion(name)


@test_case(name="module[keeps-the-size]")
def case_1():
    checks.require("module[keeps-the-size]")


@test_case(name="module[changes-the-size]")
def case_2():
    checks.require("module[changes-the-size]")


@test_case(name="module_starts_well")
def case_3():
    checks.require("module_starts_well")
