"""Public checks of panoptic-quality, for otter: grader.check("panoptic-quality"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "panoptic-quality"
checks = PublicQuestion(name)


@test_case(name="quality")
def case_1():
    checks.require("quality")


@test_case(name="counts")
def case_2():
    checks.require("counts")
