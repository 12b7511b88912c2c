"""Public checks of mesh-losses, for otter: grader.check("mesh-losses"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "mesh-losses"
checks = PublicQuestion(name)


@test_case(name="losses")
def case_1():
    checks.require("losses")
