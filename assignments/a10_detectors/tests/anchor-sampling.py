"""Public checks of anchor-sampling, for otter: grader.check("anchor-sampling"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "anchor-sampling"
checks = PublicQuestion(name)


@test_case(name="a_sample_by_hand")
def case_1():
    checks.require("a_sample_by_hand")
