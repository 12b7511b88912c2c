"""Public checks of three-layer-net, for otter: grader.check("three-layer-net"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "three-layer-net"
checks = PublicQuestion(name)


@test_case(name="three_layer_parameters")
def case_1():
    checks.require("three_layer_parameters")


@test_case(name="three_layer_scores")
def case_2():
    checks.require("three_layer_scores")


@test_case(name="three_layer_loss[reg=0.0]")
def case_3():
    checks.require("three_layer_loss[reg=0.0]")


@test_case(name="three_layer_loss[reg=0.7]")
def case_4():
    checks.require("three_layer_loss[reg=0.7]")
