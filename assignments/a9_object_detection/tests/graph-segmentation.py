"""Public checks of graph-segmentation, for otter: grader.check("graph-segmentation"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "graph-segmentation"
checks = PublicQuestion(name)


@test_case(name="flat_colours")
def case_1():
    checks.require("flat_colours")


@test_case(name="noise[first-pass]")
def case_2():
    checks.require("noise[first-pass]")


@test_case(name="noise[second-pass]")
def case_3():
    checks.require("noise[second-pass]")
