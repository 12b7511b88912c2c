"""Public checks of shared-features, for otter: grader.check("shared-features"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "shared-features"
checks = PublicQuestion(name)


@test_case(name="features_are_shared")
def case_1():
    checks.require("features_are_shared")
