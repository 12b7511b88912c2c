"""Public checks of proposals, for otter: grader.check("proposals"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "proposals"
checks = PublicQuestion(name)


@test_case(name="proposals_by_hand")
def case_1():
    checks.require("proposals_by_hand")
