"""Grades the reference, and remembers from run to run that it had full marks."""
