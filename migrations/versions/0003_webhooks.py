"""Webhooks, the outbox and the changes feed"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("webhook_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("object_id", TEXT, nullable=False),
        sa.Column("object_version", sa.BigInteger(), nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("due_at", TEXT, nullable=False),
        sa.Column("ended_at", TEXT, nullable=True),
        sa.Column("again", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Text(), nullable=False),
        sa.Column("payload", TEXT, nullable=True),
        sa.CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name=op.f("ck_deliveries_ended")),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_deliveries_mode")),
        sa.CheckConstraint(
            "state IN ('waiting', 'succeeded', 'failed', 'cancelled', 'superseded')", name=op.f("ck_deliveries_state")
        ),
        sa.PrimaryKeyConstraint("organization_id", "mode", "webhook_id", "id", name=op.f("pk_deliveries")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_deliveries_ended_at",
        "deliveries",
        ["ended_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NOT NULL"),
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_turn",
        "deliveries",
        ["organization_id", "mode", "webhook_id", "object_id", "object_version", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "ix_deliveries_unsent",
        "deliveries",
        ["organization_id", "mode", "webhook_id", "state", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('failed', 'cancelled', 'superseded')"),
        postgresql_where=sa.text("state IN ('failed', 'cancelled', 'superseded')"),
    )
    op.create_index(
        "ix_deliveries_waiting",
        "deliveries",
        ["again", "webhook_id", "due_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "uq_deliveries_change",
        "deliveries",
        ["organization_id", "mode", "webhook_id", "object_id", "object_version", "type"],
        unique=True,
    )
    op.create_table(
        "feeds",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_feeds_mode")),
        sa.PrimaryKeyConstraint("organization_id", "mode", name=op.f("pk_feeds")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "senders",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("alive_until", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_senders")),
    )
    op.create_table(
        "tasks",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("object_id", TEXT, nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("done_count", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("problem", TEXT, nullable=True),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("run_at", TEXT, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("ended_at", TEXT, nullable=True),
        sa.CheckConstraint("(state = 'running') = (ended_at IS NULL)", name=op.f("ck_tasks_ended")),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_tasks_mode")),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name=op.f("ck_tasks_state")),
        sa.PrimaryKeyConstraint("organization_id", "mode", "id", name=op.f("pk_tasks")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_tasks_due",
        "tasks",
        ["run_at"],
        unique=False,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "ix_tasks_ended_at",
        "tasks",
        ["ended_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NOT NULL"),
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )
    op.create_index(
        "uq_tasks_running",
        "tasks",
        ["organization_id", "mode", "object_id", "kind"],
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "webhook_leases",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("webhook_id", TEXT, nullable=False),
        sa.Column("sender_id", TEXT, nullable=False),
        sa.Column("held_until", TEXT, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_webhook_leases_mode")),
        sa.PrimaryKeyConstraint("organization_id", "mode", "webhook_id", name=op.f("pk_webhook_leases")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "webhook_subscriptions",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("webhook_id", TEXT, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_webhook_subscriptions_mode")),
        sa.PrimaryKeyConstraint("organization_id", "mode", "type", "webhook_id", name=op.f("pk_webhook_subscriptions")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_webhook_subscriptions_webhook",
        "webhook_subscriptions",
        ["organization_id", "mode", "webhook_id"],
        unique=False,
    )
    op.create_table(
        "webhooks",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("dialect", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=True),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("format", TEXT, nullable=False),
        sa.Column("coalesce", sa.Boolean(), nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("disabled_reason", TEXT, nullable=True),
        sa.Column("disabled_at", TEXT, nullable=True),
        sa.Column("failing_since", TEXT, nullable=True),
        sa.Column("key_id", TEXT, nullable=False),
        sa.Column("secret", TEXT, nullable=False),
        sa.Column("old_secret", TEXT, nullable=True),
        sa.Column("old_secret_until", TEXT, nullable=True),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("updated_at", TEXT, nullable=False),
        sa.Column("deleted_at", TEXT, nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(status = 'deleted') = (deleted_at IS NOT NULL)", name=op.f("ck_webhooks_deleted")),
        sa.CheckConstraint("(status = 'disabled') = (disabled_at IS NOT NULL)", name=op.f("ck_webhooks_disabled")),
        sa.CheckConstraint("format IN ('full', 'thin')", name=op.f("ck_webhooks_format")),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_webhooks_mode")),
        sa.CheckConstraint("status IN ('active', 'paused', 'disabled', 'deleted')", name=op.f("ck_webhooks_status")),
        sa.PrimaryKeyConstraint("organization_id", "mode", "id", name=op.f("pk_webhooks")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_webhooks_deleted_at",
        "webhooks",
        ["deleted_at"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index("ix_webhooks_id", "webhooks", ["id"], unique=False)
    op.create_index("ix_webhooks_key_id", "webhooks", ["organization_id", "mode", "key_id"], unique=False)
    op.add_column("journal", sa.Column("implies", TEXT, server_default="", nullable=False))
    op.add_column("journal", sa.Column("position", sa.BigInteger(), nullable=True))
    op.drop_index(op.f("ix_journal_object"), table_name="journal")
    op.create_index(
        "ix_journal_arrived",
        "journal",
        ["organization_id", "mode", "sequence"],
        unique=False,
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )
    op.create_index("uq_journal_position", "journal", ["organization_id", "mode", "position"], unique=True)
    op.create_index(
        "uq_journal_version", "journal", ["organization_id", "mode", "object_id", "object_version"], unique=True
    )
    op.drop_column("journal", "transaction_id")
    # What entries imply that were written before they could say so.
    names = ("object_type", "verb", "snapshot", "implies")
    journal = sa.table("journal", *(sa.column(name, sa.Text) for name in names))
    for verb, implies in (
        ("registration.promoted", "registration.confirmed registration.updated"),
        ("registration.offer_expired", "registration.cancelled registration.updated"),
    ):
        op.execute(sa.update(journal).where(journal.c.verb == verb).values(implies=implies))
    for status, implies in (
        ("confirmed", "registration.confirmed"),
        ("waitlist", "registration.waitlisted"),
        ("cancelled", "registration.cancelled"),
        ("refunded", "registration.refunded"),
    ):
        without = sa.func.replace(journal.c.snapshot, f'"status":"{status}"', "")
        op.execute(
            sa.update(journal)
            .where(journal.c.verb == "registration.created", without != journal.c.snapshot)
            .values(implies=implies)
        )
    op.execute(
        sa.update(journal)
        .where(
            journal.c.object_type == "registration",
            journal.c.implies == "",
            journal.c.verb.not_in(["registration.created", "registration.updated", "registration.deleted"]),
        )
        .values(implies="registration.updated")
    )
    if op.get_context().dialect.name == "sqlite":  # PostgreSQL gives positions when somebody follows the feed
        op.execute("UPDATE journal SET position = sequence")
