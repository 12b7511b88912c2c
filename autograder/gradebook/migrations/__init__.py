"""Changes of the book's schema, one file each in `versions/`; Alembic runs them when a book is opened."""
