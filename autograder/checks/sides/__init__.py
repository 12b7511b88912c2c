"""The two sides of a check, `student` and `reference`, and where each finds its answers."""
