"""Receives submissions: reads them safely, finds author and time, parses the source, and restores given code."""
