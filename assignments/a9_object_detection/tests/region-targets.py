"""Public checks of region-targets, for otter: grader.check("region-targets"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "region-targets"
checks = PublicQuestion(name)


@test_case(name="three_proposals[classes]")
def case_1():
    checks.require("three_proposals[classes]")


@test_case(name="three_proposals[transforms]")
def case_2():
    checks.require("three_proposals[transforms]")
