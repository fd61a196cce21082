"""Rate limits need no log.

What a bucket holds is worth nothing after a crash, and writing it ahead would make every counted request wait for the disk.
SQLite serves from one process, which keeps its buckets in memory.
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER TABLE rate_limits SET UNLOGGED")
