"""Pages of a list: newest first by id, walked with ids as positions, no offset and no count.

`after` gives what is older than the position, `before` the rows nearest to it on the newer side, both in list order.
A position need not exist any more: ids sort by age, so a deleted row leaves the walk unharmed. One row more than asked for
is read, to know whether there are more in the direction of travel.
"""

from typing import Any, Literal, TypeVar

import msgspec
import sqlalchemy as sa

T = TypeVar("T")
Direction = Literal["first", "after", "before"]


class Window(msgspec.Struct, frozen=True):
    """Which page: at most `limit` rows older than `after`, or newer than `before`, or the newest."""

    limit: int
    after: str | None = None
    before: str | None = None

    @property
    def direction(self) -> Direction:
        return "after" if self.after is not None else "before" if self.before is not None else "first"

    @property
    def parameters(self) -> dict[str, Any]:
        if self.direction == "first":
            return {"row_limit": self.limit + 1}
        return {"row_limit": self.limit + 1, "position": self.after or self.before}

    def cut(self, rows: list[T]) -> tuple[list[T], bool]:
        """The page in list order, and whether there is more in the direction of travel."""
        more = len(rows) > self.limit
        rows = rows[: self.limit]
        if self.direction == "before":
            rows.reverse()
        return rows, more


def paged(select: sa.Select[Any], key: sa.ColumnElement[str], direction: Direction) -> sa.Select[Any]:
    """`select` cut to a window over `key`; parameters come from `Window.parameters`."""
    position: sa.BindParameter[str] = sa.bindparam("position")
    if direction == "after":
        select = select.where(key < position)
    elif direction == "before":
        select = select.where(key > position)
    order = key.asc() if direction == "before" else key.desc()
    return select.order_by(order).limit(sa.bindparam("row_limit", type_=sa.Integer))
