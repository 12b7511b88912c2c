"""Public checks of fast-rcnn-head, for otter: grader.check("fast-rcnn-head"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "fast-rcnn-head"
checks = PublicQuestion(name)


@test_case(name="head_shapes[2]")
def case_1():
    checks.require("head_shapes[2]")


@test_case(name="head_shapes[1]")
def case_2():
    checks.require("head_shapes[1]")


@test_case(name="head_shapes[0]")
def case_3():
    checks.require("head_shapes[0]")
