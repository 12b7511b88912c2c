"""Grades deep-learning assignments with the answer outside the student's process."""

__version__ = "0.1.0"
