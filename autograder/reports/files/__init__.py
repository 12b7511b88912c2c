"""Writes the files of a run: the table of grades, and every page. A file appears completely or not at all."""
