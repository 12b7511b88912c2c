"""Public checks of focal-loss, for otter: grader.check("focal-loss"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "focal-loss"
checks = PublicQuestion(name)


@test_case(name="three_probabilities[cross-entropy]")
def case_1():
    checks.require("three_probabilities[cross-entropy]")


@test_case(name="three_probabilities[focal]")
def case_2():
    checks.require("three_probabilities[focal]")
