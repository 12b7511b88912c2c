"""What leaves the book for other programs: one module for each format. Pure: each gives text or bytes."""
