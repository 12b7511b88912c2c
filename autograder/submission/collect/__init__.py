"""Makes the zip that a student hands in, on the student's machine: gathers, runs, advises and packs."""
