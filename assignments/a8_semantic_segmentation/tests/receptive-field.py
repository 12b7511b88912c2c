"""Public checks of receptive-field, for otter: grader.check("receptive-field"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "receptive-field"
checks = PublicQuestion(name)


@test_case(name="receptive_field_grows_linearly[1]")
def case_1():
    checks.require("receptive_field_grows_linearly[1]")


@test_case(name="receptive_field_grows_linearly[2]")
def case_2():
    checks.require("receptive_field_grows_linearly[2]")


@test_case(name="receptive_field_grows_linearly[3]")
def case_3():
    checks.require("receptive_field_grows_linearly[3]")


@test_case(name="receptive_field_grows_linearly[10]")
def case_4():
    checks.require("receptive_field_grows_linearly[10]")


@test_case(name="receptive_field_with_strides")
def case_5():
    checks.require("receptive_field_with_strides")
