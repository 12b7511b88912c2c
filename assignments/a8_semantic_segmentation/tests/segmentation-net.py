"""Public checks of segmentation-net, for otter: grader.check("segmentation-net"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "segmentation-net"
checks = PublicQuestion(name)


@test_case(name="network_keeps_the_size[48x64]")
def case_1():
    checks.require("network_keeps_the_size[48x64]")


@test_case(name="network_keeps_the_size[33x47]")
def case_2():
    checks.require("network_keeps_the_size[33x47]")
