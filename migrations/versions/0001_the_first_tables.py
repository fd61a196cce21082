"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE journal_sequence")
    op.create_table(
        "api_keys",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=True),
        sa.Column("prefix", TEXT, nullable=False),
        sa.Column("last_four", TEXT, nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("expires_at", TEXT, nullable=True),
        sa.Column("revoked_at", TEXT, nullable=True),
        sa.Column("last_used_at", TEXT, nullable=True),
        sa.Column("last_address", TEXT, nullable=True),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_api_keys_mode")),
        sa.PrimaryKeyConstraint("organization_id", "mode", "id", name=op.f("pk_api_keys")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_api_keys_hash", "api_keys", ["hash"], unique=False)
    op.create_table(
        "events",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("slug", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("starts_on", TEXT, nullable=False),
        sa.Column("local_start", TEXT, nullable=True),
        sa.Column("ends_on", TEXT, nullable=True),
        sa.Column("local_end", TEXT, nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lng", sa.Double(), nullable=True),
        sa.Column("description", TEXT, nullable=True),
        sa.Column("website_url", TEXT, nullable=True),
        sa.Column("registration_url", TEXT, nullable=True),
        sa.Column("max_participants", sa.BigInteger(), nullable=True),
        sa.Column("confirmed", sa.BigInteger(), nullable=False),
        sa.Column("offered", sa.BigInteger(), nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("updated_at", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_events_mode")),
        sa.CheckConstraint("type IN ('race', 'runClub', 'timeTrial', 'other')", name=op.f("ck_events_type")),
        sa.CheckConstraint(
            "confirmed >= 0 AND offered >= 0 AND (max_participants IS NULL OR confirmed + offered <= max_participants)",
            name=op.f("ck_events_capacity"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "mode", "id", name=op.f("pk_events")),
        sa.UniqueConstraint("organization_id", "mode", "slug", name="uq_events_slug"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_events_starts_on", "events", ["organization_id", "mode", "starts_on"], unique=False)
    op.create_index("ix_events_type", "events", ["organization_id", "mode", "type", "id"], unique=False)
    op.create_table(
        "group_events",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("group_id", TEXT, nullable=False),
        sa.Column("event_id", TEXT, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_group_events_mode")),
        sa.PrimaryKeyConstraint("organization_id", "mode", "group_id", "event_id", name=op.f("pk_group_events")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_group_events_event_id", "group_events", ["organization_id", "mode", "event_id"], unique=False)
    op.create_table(
        "groups",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("slug", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=True),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("card_image_id", TEXT, nullable=True),
        sa.Column("cover_image_id", TEXT, nullable=True),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("updated_at", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_groups_mode")),
        sa.CheckConstraint("status IN ('active', 'paused', 'archived')", name=op.f("ck_groups_status")),
        sa.PrimaryKeyConstraint("organization_id", "mode", "id", name=op.f("pk_groups")),
        sa.UniqueConstraint("organization_id", "mode", "slug", name="uq_groups_slug"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_groups_status", "groups", ["organization_id", "mode", "status", "id"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("body", TEXT, nullable=True),
        sa.Column("location", TEXT, nullable=True),
        sa.Column("created_at", TEXT, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_idempotency_keys_mode")),
        sa.PrimaryKeyConstraint("organization_id", "mode", "key", name=op.f("pk_idempotency_keys")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "journal",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("verb", TEXT, nullable=False),
        sa.Column("object_type", TEXT, nullable=False),
        sa.Column("object_id", TEXT, nullable=False),
        sa.Column("object_version", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.Text(), nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_journal_mode")),
        sa.PrimaryKeyConstraint("organization_id", "mode", "sequence", name=op.f("pk_journal")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_journal_object", "journal", ["organization_id", "mode", "object_id", "sequence"], unique=False)
    op.create_table(
        "organizations",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("slug", TEXT, nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("plan", TEXT, nullable=False),
        sa.Column("timezone", TEXT, nullable=False),
        sa.Column("bypass_windows", sa.Boolean(), nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
        sa.UniqueConstraint("slug", name=op.f("uq_organizations_slug")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rate_limits",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("bucket", TEXT, nullable=False),
        sa.Column("tat_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "bucket", name=op.f("pk_rate_limits")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "usage",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("day", TEXT, nullable=False),
        sa.Column("key_id", TEXT, nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_usage_mode")),
        sa.PrimaryKeyConstraint("organization_id", "mode", "day", "key_id", name=op.f("pk_usage")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event_runs",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("event_id", TEXT, nullable=False),
        sa.Column("distance_m", sa.Double(), nullable=False),
        sa.Column("distance_standard", TEXT, nullable=False),
        sa.Column("distance_label", TEXT, nullable=False),
        sa.Column("starts_on", TEXT, nullable=False),
        sa.Column("local_start", TEXT, nullable=True),
        sa.Column("event_status", TEXT, nullable=True),
        sa.Column("registration_url", TEXT, nullable=True),
        sa.Column("registration_opens_at", TEXT, nullable=True),
        sa.Column("registration_closes_at", TEXT, nullable=True),
        sa.Column("sold_out", sa.Boolean(), nullable=False),
        sa.Column("registration_override", TEXT, nullable=True),
        sa.Column("max_participants", sa.BigInteger(), nullable=True),
        sa.Column("confirmed", sa.BigInteger(), nullable=False),
        sa.Column("offered", sa.BigInteger(), nullable=False),
        sa.Column("is_virtual", sa.Boolean(), nullable=True),
        sa.Column("is_relay", sa.Boolean(), nullable=True),
        sa.Column("is_walking", sa.Boolean(), nullable=True),
        sa.Column("bib_from", sa.BigInteger(), nullable=True),
        sa.Column("bib_to", sa.BigInteger(), nullable=True),
        sa.Column("waitlist_offer_hours", sa.BigInteger(), nullable=True),
        sa.Column("recurrence_id", TEXT, nullable=True),
        sa.Column("occurrence_on", TEXT, nullable=True),
        sa.Column("template", TEXT, nullable=True),
        sa.Column("edited", sa.Boolean(), nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("updated_at", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_event_runs_mode")),
        sa.CheckConstraint(
            "confirmed >= 0 AND offered >= 0 AND (max_participants IS NULL OR confirmed + offered <= max_participants)",
            name=op.f("ck_event_runs_capacity"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "mode", "event_id"],
            ["events.organization_id", "events.mode", "events.id"],
            name="fk_event_runs_event",
        ),
        sa.PrimaryKeyConstraint("organization_id", "mode", "id", name=op.f("pk_event_runs")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_event_runs_event_id", "event_runs", ["organization_id", "mode", "event_id", "starts_on"], unique=False
    )
    op.create_index(
        "ix_event_runs_recurrence_id",
        "event_runs",
        ["organization_id", "mode", "recurrence_id", "occurrence_on"],
        unique=False,
        sqlite_where=sa.text("recurrence_id IS NOT NULL"),
        postgresql_where=sa.text("recurrence_id IS NOT NULL"),
    )
    op.create_table(
        "recurrences",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("event_id", TEXT, nullable=False),
        sa.Column("label", TEXT, nullable=True),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("run_templates", sa.Text(), nullable=True),
        sa.Column("default_course_id", TEXT, nullable=True),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("auto_publish_horizon_weeks", sa.BigInteger(), nullable=False),
        sa.Column("anchor_on", TEXT, nullable=False),
        sa.Column("effective_from", TEXT, nullable=True),
        sa.Column("gaps", sa.Text(), nullable=False),
        sa.Column("publish_at", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("updated_at", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_recurrences_mode")),
        sa.CheckConstraint("status IN ('active', 'paused', 'archived')", name=op.f("ck_recurrences_status")),
        sa.CheckConstraint("auto_publish_horizon_weeks BETWEEN 1 AND 52", name=op.f("ck_recurrences_horizon")),
        sa.ForeignKeyConstraint(
            ["organization_id", "mode", "event_id"],
            ["events.organization_id", "events.mode", "events.id"],
            name="fk_recurrences_event",
        ),
        sa.PrimaryKeyConstraint("organization_id", "mode", "id", name=op.f("pk_recurrences")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_recurrences_event_id", "recurrences", ["organization_id", "mode", "event_id", "id"], unique=False
    )
    op.create_index(
        "ix_recurrences_publish_at",
        "recurrences",
        ["publish_at"],
        unique=False,
        sqlite_where=sa.text("status = 'active'"),
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index("ix_recurrences_status", "recurrences", ["organization_id", "mode", "status", "id"], unique=False)
    op.create_table(
        "pace_groups",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("event_run_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("max_participants", sa.BigInteger(), nullable=True),
        sa.Column("bib_from", sa.BigInteger(), nullable=True),
        sa.Column("bib_to", sa.BigInteger(), nullable=True),
        sa.Column("confirmed", sa.BigInteger(), nullable=False),
        sa.Column("offered", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_pace_groups_mode")),
        sa.CheckConstraint(
            "confirmed >= 0 AND offered >= 0 AND (max_participants IS NULL OR confirmed + offered <= max_participants)",
            name=op.f("ck_pace_groups_capacity"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "mode", "event_run_id"],
            ["event_runs.organization_id", "event_runs.mode", "event_runs.id"],
            name="fk_pace_groups_run",
        ),
        sa.PrimaryKeyConstraint("organization_id", "mode", "event_run_id", "name", name=op.f("pk_pace_groups")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "registrations",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("event_id", TEXT, nullable=False),
        sa.Column("event_run_id", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("email_folded", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=True),
        sa.Column("registration_type", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("pace_group", TEXT, nullable=True),
        sa.Column("notes", TEXT, nullable=True),
        sa.Column("bib", TEXT, nullable=True),
        sa.Column("bib_pinned", sa.Boolean(), nullable=False),
        sa.Column("checked_in_at", TEXT, nullable=True),
        sa.Column("checked_in_device", TEXT, nullable=True),
        sa.Column("queue_number", sa.BigInteger(), nullable=True),
        sa.Column("offer_expires_at", TEXT, nullable=True),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("updated_at", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(status = 'waitlist') = (queue_number IS NOT NULL)", name=op.f("ck_registrations_queue")),
        sa.CheckConstraint("bib IS NULL OR status = 'confirmed'", name=op.f("ck_registrations_bib")),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_registrations_mode")),
        sa.CheckConstraint("offer_expires_at IS NULL OR status = 'waitlist'", name=op.f("ck_registrations_offer")),
        sa.CheckConstraint("registration_type IN ('free', 'paid')", name=op.f("ck_registrations_type")),
        sa.CheckConstraint(
            "status IN ('confirmed', 'cancelled', 'waitlist', 'refunded')", name=op.f("ck_registrations_status")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "mode", "event_run_id"],
            ["event_runs.organization_id", "event_runs.mode", "event_runs.id"],
            name="fk_registrations_run",
        ),
        sa.PrimaryKeyConstraint("organization_id", "mode", "id", name=op.f("pk_registrations")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_registrations_email",
        "registrations",
        ["organization_id", "mode", "event_id", "email_folded", "id"],
        unique=False,
    )
    op.create_index(
        "ix_registrations_event_id", "registrations", ["organization_id", "mode", "event_id", "id"], unique=False
    )
    op.create_index(
        "ix_registrations_queue",
        "registrations",
        ["organization_id", "mode", "event_id", "event_run_id", "queue_number", "pace_group", "offer_expires_at"],
        unique=False,
        sqlite_where=sa.text("status = 'waitlist'"),
        postgresql_where=sa.text("status = 'waitlist'"),
    )
    op.create_index(
        "ix_registrations_run_id", "registrations", ["organization_id", "mode", "event_run_id", "id"], unique=False
    )
    op.create_index(
        "ix_registrations_status",
        "registrations",
        ["organization_id", "mode", "event_id", "status", "id"],
        unique=False,
    )
    op.create_index(
        "uq_registrations_active",
        "registrations",
        ["organization_id", "mode", "event_run_id", "email_folded"],
        unique=True,
        sqlite_where=sa.text("status IN ('confirmed', 'waitlist')"),
        postgresql_where=sa.text("status IN ('confirmed', 'waitlist')"),
    )
    op.create_index(
        "uq_registrations_bib",
        "registrations",
        ["organization_id", "mode", "event_id", "bib"],
        unique=True,
        sqlite_where=sa.text("bib IS NOT NULL"),
        postgresql_where=sa.text("bib IS NOT NULL"),
    )
