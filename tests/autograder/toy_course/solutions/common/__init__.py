"""The toy course's given library."""

SCALE = 2.0
