"""Reads a zip or folder into files in memory, and finds their owner, their time, and the assignment's files."""
