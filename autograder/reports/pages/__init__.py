"""Pages: one module for each, and the environment, charts and words that they share."""
