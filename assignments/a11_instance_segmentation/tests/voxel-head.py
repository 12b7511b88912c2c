"""Public checks of voxel-head, for otter: grader.check("voxel-head"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "voxel-head"
checks = PublicQuestion(name)


@test_case(name="head")
def case_1():
    checks.require("head")


@test_case(name="loss")
def case_2():
    checks.require("loss")
