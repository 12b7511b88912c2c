"""Public checks of initialize-part1, for otter: grader.check("initialize-part1"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "initialize-part1"
checks = PublicQuestion(name)


@test_case(name="part1_tensors[float32]")
def case_1():
    checks.require("part1_tensors[float32]")


@test_case(name="part1_tensors[float64]")
def case_2():
    checks.require("part1_tensors[float64]")


@test_case(name="part1_values")
def case_3():
    checks.require("part1_values")
