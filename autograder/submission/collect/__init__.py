"""The zip that a student hands in: gathered, run, reviewed and packed on the student's machine."""
