"""Public checks of box-transforms, for otter: grader.check("box-transforms"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "box-transforms"
checks = PublicQuestion(name)


@test_case(name="transform_by_hand[encode_boxes-second0-wanted0]")
def case_1():
    checks.require("transform_by_hand[encode_boxes-second0-wanted0]")


@test_case(name="transform_by_hand[decode_boxes-second1-wanted1]")
def case_2():
    checks.require("transform_by_hand[decode_boxes-second1-wanted1]")


@test_case(name="limit")
def case_3():
    checks.require("limit")


@test_case(name="backward")
def case_4():
    checks.require("backward")
