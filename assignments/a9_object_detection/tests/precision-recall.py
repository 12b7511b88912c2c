"""Public checks of precision-recall, for otter: grader.check("precision-recall"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "precision-recall"
checks = PublicQuestion(name)


@test_case(name="curve[precision]")
def case_1():
    checks.require("curve[precision]")


@test_case(name="curve[recall]")
def case_2():
    checks.require("curve[recall]")


@test_case(name="accept_everything")
def case_3():
    checks.require("accept_everything")


@test_case(name="no_truths")
def case_4():
    checks.require("no_truths")
