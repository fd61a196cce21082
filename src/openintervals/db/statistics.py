"""What SQLite's planner should believe about our tables, written down instead of measured.

Every index begins with the tenant, and a server may have one tenant: left to its defaults SQLite takes each leading column for a tenfold
narrowing, and prefers scanning a whole tenant by primary key to using the index made for a query. Measuring (ANALYZE) would make plans
depend on when it ran. So each index gets fixed figures: the tenant narrows almost nothing, an id to one row, every further column a
hundredfold, a unique index ends at one row, a partial index that is not unique (who waits, what is due) is small. Plans are then the same
on every machine, and tests can hold them.
"""

import apsw

ROWS = 10_000_000
PARTIAL_ROWS = 10_000
TENANT = ("organization_id", "mode")
NARROWS_BY = 100


def stat(columns: list[str], *, unique: bool, partial: bool) -> str:
    """The `stat` text of sqlite_stat1: rows in the index, then the average left after each column."""
    total = PARTIAL_ROWS if partial and not unique else ROWS
    left = [total]
    for column in columns:
        left.append(1 if column == "id" else max(2, left[-1] // (2 if column in TENANT else NARROWS_BY)))
    if unique:
        left[-1] = 1
    return " ".join(map(str, left))


def write(connection: apsw.Connection) -> None:
    """Store the figures for every index there is; connections opened later plan by them."""
    connection.execute("ANALYZE sqlite_schema")  # makes the table, if need be, and looks at nothing of ours
    connection.execute("DELETE FROM sqlite_stat1")
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    for (table,) in tables.fetchall():
        indexes = connection.execute(
            'SELECT name, "unique", origin, partial FROM pragma_index_list(?)', (table,)
        ).fetchall()
        for name, unique, origin, partial in indexes:
            info = connection.execute("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (name,)).fetchall()
            columns = [str(column) for (column,) in info]
            connection.execute(
                "INSERT INTO sqlite_stat1 VALUES (?, ?, ?)",
                (
                    table,
                    table if origin == "pk" else name,
                    stat(columns, unique=bool(unique), partial=bool(partial)),
                ),
            )
