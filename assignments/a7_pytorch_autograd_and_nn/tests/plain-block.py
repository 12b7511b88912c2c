"""Public checks of plain-block, for otter: grader.check("plain-block"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "plain-block"
checks = PublicQuestion(name)


@test_case(name="count[PlainBlock-3-10-1196]")
def case_1():
    checks.require("count[PlainBlock-3-10-1196]")


@test_case(name="block[PlainBlock-same-channels]")
def case_2():
    checks.require("block[PlainBlock-same-channels]")


@test_case(name="block[PlainBlock-more-channels]")
def case_3():
    checks.require("block[PlainBlock-more-channels]")


@test_case(name="block[PlainBlock-smaller]")
def case_4():
    checks.require("block[PlainBlock-smaller]")


@test_case(name="block[PlainBlock-smaller-and-more-channels]")
def case_5():
    checks.require("block[PlainBlock-smaller-and-more-channels]")
