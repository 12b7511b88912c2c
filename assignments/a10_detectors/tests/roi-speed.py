"""Public checks of roi-speed, for otter: grader.check("roi-speed"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "roi-speed"
checks = PublicQuestion(name)


@test_case(name="align_pace")
def case_1():
    checks.require("align_pace")
