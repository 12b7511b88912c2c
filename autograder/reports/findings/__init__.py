"""Findings in results: causes, matters for a person, decisions, figures of the class. No text of pages."""
