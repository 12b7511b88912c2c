"""Public checks of fully-convolutional, for otter: grader.check("fully-convolutional"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "fully-convolutional"
checks = PublicQuestion(name)


@test_case(name="whole_images_get_the_same_scores")
def case_1():
    checks.require("whole_images_get_the_same_scores")
