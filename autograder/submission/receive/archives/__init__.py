"""Reads archives of the kinds that students hand in: zip, with whatever compression Python knows, and tar."""
