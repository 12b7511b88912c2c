"""Reads the archives that students hand in: tar, and zip with any compression that Python supports."""
