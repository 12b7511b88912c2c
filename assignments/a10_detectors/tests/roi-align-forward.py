"""Public checks of roi-align-forward, for otter: grader.check("roi-align-forward"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "roi-align-forward"
checks = PublicQuestion(name)


@test_case(name="align_by_hand[the-whole-map]")
def case_1():
    checks.require("align_by_hand[the-whole-map]")


@test_case(name="align_by_hand[one-cell]")
def case_2():
    checks.require("align_by_hand[one-cell]")
