"""Public checks of greedy-decoding, for otter: grader.check("greedy-decoding"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "greedy-decoding"
checks = PublicQuestion(name)


@test_case(name="captions")
def case_1():
    checks.require("captions")
