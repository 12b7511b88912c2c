"""Public checks of deep-net-batchnorm, for otter: grader.check("deep-net-batchnorm"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "deep-net-batchnorm"
checks = PublicQuestion(name)


@test_case(name="batchnorm_loss[reg=0.0]")
def case_1():
    checks.require("batchnorm_loss[reg=0.0]")


@test_case(name="batchnorm_loss[reg=0.7]")
def case_2():
    checks.require("batchnorm_loss[reg=0.7]")


@test_case(name="batchnorm_scores_use_running_statistics")
def case_3():
    checks.require("batchnorm_scores_use_running_statistics")
