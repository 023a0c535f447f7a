"""The Sphinx extension of the book: one line per job, each job in its own module.

``book_reading`` sets the answer of a chapter apart and says what it costs to read and to run,
``book_figures`` puts the vector figures into the page so that its colours reach them,
``book_ledger`` the statements on trial, ``book_cards`` the data cards, ``book_live`` the live
figures with their scripts, ``book_front`` the first page, ``book_status`` the state of the book,
``book_text`` keeps a percent sign beside its number, ``book_terms`` links terms to the glossary,
``book_promises`` links of chapters by number to those that are written,
``book_head`` adds the descriptions for search engines and the small mends of the produced HTML,
``book_search`` keeps commands of TeX out of the search, ``book_share`` adds the previews, the icons
and the map of the site.
"""

from __future__ import annotations

from typing import Any

import book_cards
import book_figures
import book_front
import book_head
import book_ledger
import book_live
import book_promises
import book_reading
import book_search
import book_share
import book_status
import book_terms
import book_text
from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Register every part of the book's own behaviour."""
    for part in (
        book_reading,
        book_figures,
        book_ledger,
        book_cards,
        book_live,
        book_front,
        book_status,
        book_text,
        book_terms,
        book_promises,
        book_head,
        book_search,
        book_share,
    ):
        part.register(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
