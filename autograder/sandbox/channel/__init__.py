"""What both sides speak: frames of plain data, and what is agreed on beside them. It runs on either side."""
