"""The two sides of a check, `student` and `reference`, and the sources of their answers."""
