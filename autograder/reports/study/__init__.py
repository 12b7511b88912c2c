"""Statistics of a class about questions and checks, and similar answers. For instructors only."""
