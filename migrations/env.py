"""What Alembic runs for every upgrade: it writes SQL for one database, and `openintervals.db.migrate` executes it."""

from alembic import context

context.configure(
    dialect_name=context.config.attributes["database"],
    dialect_opts={"paramstyle": "named"},
    literal_binds=True,
)
context.run_migrations()
