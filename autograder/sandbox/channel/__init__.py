"""The protocol between grader and worker: frames of plain data, and the constants that both sides share."""
