"""Public checks of overfit, for otter: grader.check("overfit"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "overfit"
checks = PublicQuestion(name)


@test_case(name="overfits_50_images")
def case_1():
    checks.require("overfits_50_images")
