"""Public checks of mesh-speed, for otter: grader.check("mesh-speed"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "mesh-speed"
checks = PublicQuestion(name)


@test_case(name="cubify_pace")
def case_1():
    checks.require("cubify_pace")


@test_case(name="chamfer_pace")
def case_2():
    checks.require("chamfer_pace")
