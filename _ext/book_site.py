"""The Sphinx extension of the book: one line per job, each job in its own module.

``book_runs`` prints what a chapter cost when it last ran, ``book_figures`` puts the vector
figures into the page so that its colours reach them, ``book_ledger`` the statements on trial,
``book_cards`` the data cards, ``book_status`` the state of the book, ``book_text`` keeps a percent
sign beside its number, ``book_head`` adds the descriptions for search engines and the small mends
of the produced HTML.
"""

from __future__ import annotations

from typing import Any

import book_cards
import book_figures
import book_head
import book_ledger
import book_runs
import book_status
import book_text
from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Register every part of the book's own behaviour."""
    for part in (
        book_runs,
        book_figures,
        book_ledger,
        book_cards,
        book_status,
        book_text,
        book_head,
    ):
        part.register(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
