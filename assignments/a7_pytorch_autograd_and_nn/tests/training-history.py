"""Public checks of training-history, for otter: grader.check("training-history"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "training-history"
checks = PublicQuestion(name)


@test_case(name="saved_history[hist_part1]")
def case_1():
    checks.require("saved_history[hist_part1]")


@test_case(name="saved_history[hist_part2]")
def case_2():
    checks.require("saved_history[hist_part2]")


@test_case(name="saved_history[hist_part3]")
def case_3():
    checks.require("saved_history[hist_part3]")


@test_case(name="saved_history[hist_part4]")
def case_4():
    checks.require("saved_history[hist_part4]")


@test_case(name="saved_test_accuracy")
def case_5():
    checks.require("saved_test_accuracy")
