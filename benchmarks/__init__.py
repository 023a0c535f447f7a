"""Races between `lib` and its peers, each measured in one run; `python tools/book.py bench`."""
