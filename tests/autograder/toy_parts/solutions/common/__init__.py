"""Nothing is given to all."""
