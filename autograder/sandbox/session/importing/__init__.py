"""Imports a submission: its own modules, stand-ins for missing ones, and what becomes of statements that raise."""
