"""Finding cards by words: prefixes of words, all of them, without regard to capitals and accents.

One meaning on both databases: PostgreSQL's full-text search, by the column and the indexes that the migration makes;
`LIKE` on SQLite.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

MAX_WORDS = 2000
MAX_WORD = 60
SHORT = 2
"""Letters: so short a beginning finds much, and an index would read all of it."""


def words(text: str) -> list[str]:
    """Return the words of a text in small letters, without accents and punctuation."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return [word[:MAX_WORD] for word in re.findall(r"[^\W_]+", plain.casefold())[:MAX_WORDS]]


def searchable(texts: Iterable[str]) -> str:
    """Return what is stored of `texts`: each word with a blank before it, so that LIKE finds where words begin."""
    return "".join(f" {word}" for word in words(" ".join(texts)))


@models.TextField.register_lookup
class HasWords(models.Lookup):
    """`search__has_words="depot lux"`: what `searchable` stored has words that begin so, in any order."""

    lookup_name = "has_words"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """Compare by LIKE."""
        column, parameters = self.process_lhs(compiler, connection)
        wanted = words(self.rhs)
        clauses = " AND ".join(rf"{column} LIKE %s" for _word in wanted) or "1 = 1"
        # No word holds a character that means something to LIKE.
        return clauses, [*list(parameters) * len(wanted), *(f"% {word}%" for word in wanted)]

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """Compare by full-text search."""
        column, parameters = self.process_lhs(compiler, connection)
        wanted = words(self.rhs)
        if not wanted:
            return "1 = 1", []
        vector = f"{column.removesuffix(chr(34))}_vector{chr(34)}"
        looked_up = [word for word in wanted if len(word) > SHORT] or wanted
        only_checked = [word for word in wanted if word not in looked_up]
        clauses = f"{vector} @@ to_tsquery('simple', %s)"
        if only_checked:  # as something that no index is for
            clauses += f" AND ({vector} @@ to_tsquery('simple', %s)) IS TRUE"
        asked = [" & ".join(f"'{word}':*" for word in some) for some in (looked_up, only_checked) if some]
        return clauses, [*list(parameters) * len(asked), *asked]
