"""Public checks of convert-boxes, for otter: grader.check("convert-boxes"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "convert-boxes"
checks = PublicQuestion(name)


@test_case(name="there_and_back[corner-and-size]")
def case_1():
    checks.require("there_and_back[corner-and-size]")


@test_case(name="there_and_back[centre-and-size]")
def case_2():
    checks.require("there_and_back[centre-and-size]")


@test_case(name="clipping")
def case_3():
    checks.require("clipping")
