"""Public checks of kaiming, for otter: grader.check("kaiming"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "kaiming"
checks = PublicQuestion(name)


@test_case(name="kaiming[linear]")
def case_1():
    checks.require("kaiming[linear]")


@test_case(name="kaiming[linear-no-relu]")
def case_2():
    checks.require("kaiming[linear-no-relu]")


@test_case(name="kaiming[convolution]")
def case_3():
    checks.require("kaiming[convolution]")


@test_case(name="kaiming[convolution-no-relu]")
def case_4():
    checks.require("kaiming[convolution-no-relu]")


@test_case(name="kaiming_dtype")
def case_5():
    checks.require("kaiming_dtype")
