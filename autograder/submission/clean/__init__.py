"""A student's answers on the files that were handed out."""
