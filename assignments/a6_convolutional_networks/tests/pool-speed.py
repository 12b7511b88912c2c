"""Public checks of pool-speed, for otter: grader.check("pool-speed"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "pool-speed"
checks = PublicQuestion(name)


@test_case(name="pool_forward")
def case_1():
    checks.require("pool_forward")


@test_case(name="pool_backward")
def case_2():
    checks.require("pool_backward")
