"""The database: how statements are written, and the two ways they run."""

from openintervals.db.postgres import Postgres
from openintervals.db.sqlite import SQLite

Database = SQLite | Postgres

__all__ = ["Database", "Postgres", "SQLite"]
