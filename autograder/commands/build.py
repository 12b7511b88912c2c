"""autograder build: what students get, made from the solutions."""
