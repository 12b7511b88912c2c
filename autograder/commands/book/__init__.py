"""Commands that read and write the gradebook."""
