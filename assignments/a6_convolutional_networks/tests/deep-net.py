"""Public checks of deep-net, for otter: grader.check("deep-net"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "deep-net"
checks = PublicQuestion(name)


@test_case(name="deep_scores")
def case_1():
    checks.require("deep_scores")


@test_case(name="deep_loss[reg=0.0]")
def case_2():
    checks.require("deep_loss[reg=0.0]")


@test_case(name="deep_loss[reg=0.7]")
def case_3():
    checks.require("deep_loss[reg=0.7]")


@test_case(name="deep_weight_scale")
def case_4():
    checks.require("deep_weight_scale")
