"""What a whole class tells about the checks, and which answers resemble each other: for instructors only."""
