"""What tests of the databases share."""

from datetime import UTC, datetime

from openintervals.db.transaction import Asking, Tenant

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


def asking() -> Asking:
    """The operator, outside any tenant."""
    return Asking(tenant=Tenant("", "live"), actor="test", now=NOW)
