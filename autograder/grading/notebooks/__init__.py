"""Running the notebooks of a submission, and comparing the outputs with the stored ones."""
