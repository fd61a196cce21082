"""The database: how statements are written, and the two ways they run."""

from openintervals.db.postgres import Postgres
from openintervals.db.sqlite import SQLite
from openintervals.settings import Settings

Database = SQLite | Postgres

__all__ = ["Database", "Postgres", "SQLite", "named_by"]


def named_by(settings: Settings) -> Database:
    """The database the settings name, not opened yet. Raises UnusableDatabase for an old SQLite library."""
    if settings.on_sqlite:
        return SQLite(settings.sqlite_path, commit_group=settings.commit_group)
    return Postgres(settings.url, pool=settings.database_pool)
