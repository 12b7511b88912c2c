"""Public checks of bicubic-backward, for otter: grader.check("bicubic-backward"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "bicubic-backward"
checks = PublicQuestion(name)


@test_case(name="bicubic_backward")
def case_1():
    checks.require("bicubic_backward")
