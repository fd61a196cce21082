"""Athletes and what is theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "athlete_keys",
        sa.Column("athlete_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=True),
        sa.Column("last_four", TEXT, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("revoked_at", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("athlete_id", "id", name=op.f("pk_athlete_keys")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_athlete_keys_hash", "athlete_keys", ["hash"], unique=False)
    op.create_table(
        "athletes",
        sa.Column("athlete_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=True),
        sa.Column("sex", TEXT, nullable=True),
        sa.Column("born_on", TEXT, nullable=True),
        sa.Column("timezone", TEXT, nullable=False),
        sa.Column("weight_kg", sa.Double(), nullable=True),
        sa.Column("resting_hr_bpm", sa.BigInteger(), nullable=True),
        sa.Column("preferences", sa.Text(), nullable=False),
        sa.Column("numbers", sa.BigInteger(), nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("updated_at", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("sex IN ('M', 'F')", name=op.f("ck_athletes_sex")),
        sa.PrimaryKeyConstraint("athlete_id", name=op.f("pk_athletes")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "coachings",
        sa.Column("athlete_id", TEXT, nullable=False),
        sa.Column("coach_id", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "coach_id", name=op.f("pk_coachings")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_coachings_coach_id", "coachings", ["coach_id"], unique=False)
    op.create_table(
        "sport_settings",
        sa.Column("athlete_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("other", sa.Boolean(), nullable=False),
        sa.Column("history", sa.Text(), nullable=False),
        sa.Column("preferences", sa.Text(), nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("updated_at", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("athlete_id", "id", name=op.f("pk_sport_settings")),
        sqlite_with_rowid=False,
    )
