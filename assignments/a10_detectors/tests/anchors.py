"""Public checks of anchors, for otter: grader.check("anchors"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "anchors"
checks = PublicQuestion(name)


@test_case(name="an_anchor_by_hand")
def case_1():
    checks.require("an_anchor_by_hand")


@test_case(name="the_lectures_count")
def case_2():
    checks.require("the_lectures_count")
