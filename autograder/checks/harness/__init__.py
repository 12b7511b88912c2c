"""The pytest plugin: the fixtures of a check, and the outcome of a check that fails."""
