"""The SQL verifier: queries, judged by the rows that they give."""

from unflip.verifiers.sql.verifier import Sql

__all__ = ["Sql"]
