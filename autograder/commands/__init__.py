"""The commands of the command line, one module each: its arguments, and what they set in motion."""
