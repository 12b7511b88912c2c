"""Public checks of pool-forward, for otter: grader.check("pool-forward"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "pool-forward"
checks = PublicQuestion(name)


@test_case(name="forward_by_hand")
def case_1():
    checks.require("forward_by_hand")


@test_case(name="forward[notebook]")
def case_2():
    checks.require("forward[notebook]")


@test_case(name="forward[overlap]")
def case_3():
    checks.require("forward[overlap]")


@test_case(name="forward[asymmetric]")
def case_4():
    checks.require("forward[asymmetric]")
