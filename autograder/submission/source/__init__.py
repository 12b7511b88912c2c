"""Reads Python source and notebooks of a submission without running them."""
