"""Carries a student's answers onto the clean copy: the files as they were handed out."""
