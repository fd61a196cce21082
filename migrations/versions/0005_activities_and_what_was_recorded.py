"""Activities and what was recorded."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "activities",
        sa.Column("athlete_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("file_hash", TEXT, nullable=True),
        sa.Column("file_type", TEXT, nullable=True),
        sa.Column("sport_index", sa.BigInteger(), nullable=False),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("start_at", TEXT, nullable=False),
        sa.Column("end_at", TEXT, nullable=False),
        sa.Column("local_start", TEXT, nullable=False),
        sa.Column("timezone", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("warnings", sa.Text(), nullable=False),
        sa.Column("possible_duplicate_of", TEXT, nullable=True),
        sa.Column("analysis_version", sa.BigInteger(), nullable=False),
        sa.Column("measured_on", TEXT, nullable=True),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("updated_at", TEXT, nullable=False),
        sa.Column("analyzed_at", TEXT, nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("computed", sa.Text(), nullable=False),
        sa.Column("edited", sa.Text(), nullable=False),
        sa.Column("served", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "id", name=op.f("pk_activities")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_activities_external_id", "activities", ["athlete_id", "external_id"], unique=False)
    op.create_index(
        "ix_activities_local_start", "activities", ["athlete_id", "local_start", "id", "type"], unique=False
    )
    op.create_index("ix_activities_start_at", "activities", ["athlete_id", "start_at"], unique=False)
    op.create_index("ix_activities_updated_at", "activities", ["athlete_id", "updated_at"], unique=False)
    op.create_index("uq_activities_file", "activities", ["athlete_id", "file_hash", "sport_index"], unique=True)
    op.create_table(
        "activity_curves",
        sa.Column("athlete_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("activity_id", TEXT, nullable=False),
        sa.Column("weight_kg", sa.Double(), nullable=True),
        sa.Column("best", sa.LargeBinary(), nullable=False),
        sa.Column("places", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "kind", "activity_id", name=op.f("pk_activity_curves")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "activity_ids",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("athlete_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity_ids")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "activity_intervals",
        sa.Column("athlete_id", TEXT, nullable=False),
        sa.Column("activity_id", TEXT, nullable=False),
        sa.Column("intervals", sa.Text(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("marked", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("athlete_id", "activity_id", name=op.f("pk_activity_intervals")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "activity_streams",
        sa.Column("athlete_id", TEXT, nullable=False),
        sa.Column("activity_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("edited", sa.Boolean(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("athlete_id", "activity_id", "name", "edited", name=op.f("pk_activity_streams")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "recordings",
        sa.Column("athlete_id", TEXT, nullable=False),
        sa.Column("activity_id", TEXT, nullable=False),
        sa.Column("recording", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "activity_id", name=op.f("pk_recordings")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tombstones",
        sa.Column("athlete_id", TEXT, nullable=False),
        sa.Column("activity_id", TEXT, nullable=False),
        sa.Column("file_hash", TEXT, nullable=True),
        sa.Column("sport_index", sa.BigInteger(), nullable=False),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("deleted_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "activity_id", name=op.f("pk_tombstones")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_tombstones_external_id", "tombstones", ["athlete_id", "external_id"], unique=False)
    op.create_index("ix_tombstones_file_hash", "tombstones", ["athlete_id", "file_hash"], unique=False)
