"""The pytest plugin: fixtures of a check, and how a check that fails becomes an outcome."""
