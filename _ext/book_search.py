r"""The words that the search knows: those of the text, not the commands of the formulas.

Formulas are read as TeX, and nobody looks for ``mathbf``. What a result shows of its page is
written by ``webassets/search.js``.
"""

from __future__ import annotations

import re

from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

COMMAND = re.compile(r"\\[A-Za-z]+")


class BookEnglish(SearchEnglish):
    """English, without the commands of TeX."""

    def split(self, input: str) -> list[str]:
        r"""Split a text into words.

        Examples
        --------
        >>> BookEnglish({}).split(r"the cosine \frac{\mathbf{u}}{2}")
        ['the', 'cosine', 'u', '2']
        """
        return super().split(COMMAND.sub(" ", input))


def register(app: Sphinx) -> None:
    """Take the place of Sphinx's English."""
    app.add_search_language(BookEnglish)
