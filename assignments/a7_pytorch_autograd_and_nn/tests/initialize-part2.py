"""Public checks of initialize-part2, for otter: grader.check("initialize-part2"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "initialize-part2"
checks = PublicQuestion(name)


@test_case(name="part2")
def case_1():
    checks.require("part2")


@test_case(name="part2_network")
def case_2():
    checks.require("part2_network")
