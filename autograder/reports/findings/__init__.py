"""What results say: causes, what a person has to look at and decided, figures of the class; no text of pages."""
