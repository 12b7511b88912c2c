"""Exports of the book for other programs: one module for each format. Pure: each returns text or bytes."""
