"""Files of a run: the table of grades, and every page in its place; a file appears whole or not at all."""
