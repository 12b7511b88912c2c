"""Public checks of conv-backward, for otter: grader.check("conv-backward"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "conv-backward"
checks = PublicQuestion(name)


@test_case(name="backward_by_hand")
def case_1():
    checks.require("backward_by_hand")


@test_case(name="backward[notebook]")
def case_2():
    checks.require("backward[notebook]")


@test_case(name="backward[asymmetric]")
def case_3():
    checks.require("backward[asymmetric]")


@test_case(name="backward[no-padding]")
def case_4():
    checks.require("backward[no-padding]")
