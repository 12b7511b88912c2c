"""Public checks on a student's machine: from the command line and inside a notebook."""
