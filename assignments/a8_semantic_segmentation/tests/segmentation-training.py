"""Public checks of segmentation-training, for otter: grader.check("segmentation-training"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "segmentation-training"
checks = PublicQuestion(name)


@test_case(name="training_lowers_the_loss")
def case_1():
    checks.require("training_lowers_the_loss")
