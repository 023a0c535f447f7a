"""The book's own tools; `tools/book.py` is the one entry point."""
