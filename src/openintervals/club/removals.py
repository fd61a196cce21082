"""Removals: deleting an event or a run with everything inside it, in one transaction.

Refused while somebody is confirmed or waits, unless the caller says to cancel them; then each is cancelled first, so that
whoever follows the journal learns of every registration that ended before what held it is gone. Nothing is left behind but the journal.
Registrations may be very many, so they go in batches, each a few statements over all of its rows.
When two come at once the event's lock lets one after the other; the second finds nothing, or somebody who has registered meanwhile.
"""

from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from openintervals import errors
from openintervals.club import events, groups, pace_groups, recurrences, registrations, runs, verbs, waitlist
from openintervals.club.registrations import Registration
from openintervals.club.registrations import registrations as table
from openintervals.club.runs import Run
from openintervals.db.schema import own
from openintervals.db.statement import statement
from openintervals.db.transaction import Write
from openintervals.platform import journal, outbox

BATCH = 200
Of = Literal["event_id", "event_run_id"]


class StillRegistered(errors.Conflict):
    code = "still_registered"

    def __init__(self, number: int, what: str) -> None:
        people = "1 active registration" if number == 1 else f"{number} active registrations"
        super().__init__(f"This {what} has {people}; cancel them first, or send cancelRegistrations=true")


@statement
def _active(of: Of) -> sa.Select[Any]:
    return (
        sa.select(sa.func.count())
        .select_from(table)
        .where(own(table), table.c[of] == sa.bindparam("inside"), registrations.is_active())
    )


@statement
def _last_of_batch(of: Of) -> sa.Select[Any]:
    batch = (
        sa.select(table.c.id)
        .where(own(table), table.c[of] == sa.bindparam("inside"))
        .order_by(table.c.id)
        .limit(BATCH)
        .subquery()
    )
    return sa.select(sa.func.max(batch.c.id))


def _batch(of: Of) -> sa.ColumnElement[bool]:
    return sa.and_(table.c[of] == sa.bindparam("inside"), table.c.id <= sa.bindparam("last"))


@statement
def _record_cancelled(of: Of) -> sa.Insert:
    """What cancelling those of a batch that are active leaves in the journal. The rows stay as they are: they are about to go."""
    changed: sa.ColumnElement[str] = sa.literal_column("'[\"status\"'", sa.Text)
    for name, held in (
        ("bib", table.c.bib.is_not(None)),
        ("bib_pinned", table.c.bib_pinned),
        ("queue_number", table.c.queue_number.is_not(None)),
        ("offer_expires_at", table.c.offer_expires_at.is_not(None)),
    ):
        changed = changed.concat(sa.case((held, sa.literal_column(f"',\"{name}\"'")), else_=sa.literal_column("''")))
    return journal.recording(
        "registration.cancelled",
        Registration,
        table,
        sa.and_(_batch(of), registrations.is_active()),
        changed.concat(sa.literal_column("']'")),
        " ".join(verbs.implied("registration.cancelled", "cancelled")),
        **_cancelled(),
        version=table.c.version + 1,
    )


@statement
def _record_deleted(of: Of) -> sa.Insert:
    """The end of everybody in a batch; those who were active have been cancelled the version before."""
    active = table.c.status.in_((registrations.COMES, registrations.WAITS))
    cancelled = _cancelled()
    status = sa.case((active, cancelled.pop("status")), else_=table.c.status)
    version = table.c.version + sa.case((active, 2), else_=1)
    # Those who are not active hold nothing already.
    return journal.recording(
        "registration.deleted",
        Registration,
        table,
        _batch(of),
        sa.literal_column("'[]'"),
        "",
        **cancelled,
        status=status,
        version=version,
    )


@statement
def _tell_cancelled(of: Of) -> sa.Insert:
    return outbox.putting(table, sa.and_(_batch(of), registrations.is_active()), table.c.version + 1)


@statement
def _tell_deleted(of: Of) -> sa.Insert:
    active = table.c.status.in_((registrations.COMES, registrations.WAITS))
    return outbox.putting(table, _batch(of), table.c.version + sa.case((active, 2), else_=1))


def _cancelled() -> dict[str, sa.ColumnElement[Any]]:
    return {
        "status": sa.literal_column("'cancelled'"),
        "queue_number": sa.null(),
        "offer_expires_at": sa.null(),
        "bib": sa.null(),
        "bib_pinned": sa.false(),
        "updated_at": sa.bindparam("at", type_=sa.Text),
    }


@statement
def _delete(of: Of) -> sa.Delete:
    return sa.delete(table).where(own(table), _batch(of))


async def remove_event(tx: Write, event_id: str, *, cancel_registrations: bool) -> None:
    """Delete an event, its runs, registrations and recurrences. Raises EventNotFound, StillRegistered."""
    event = await events.lock(tx, event_id)
    active = await tx.value(_active("event_id"), inside=event_id)
    if active and not cancel_registrations:
        raise StillRegistered(active, "event")
    await _erase(tx, "event_id", event_id)
    for run in await runs.of_event(tx, Run, event_id):
        await _remove(tx, run)
    await recurrences.remove_of_event(tx, event)
    await groups.forget_event(tx, event_id)
    await events.remove(tx, msgspec.structs.replace(event, confirmed=0, offered=0))


async def remove_run(tx: Write, run_id: str, *, cancel_registrations: bool) -> None:
    """Delete a run and its registrations. Raises RunNotFound, StillRegistered."""
    event, run = await runs.lock(tx, run_id)
    active = await tx.value(_active("event_run_id"), inside=run_id)
    if active and not cancel_registrations:
        raise StillRegistered(active, "run")
    await _erase(tx, "event_run_id", run_id)
    await events.count(tx, event.id, confirmed=-run.confirmed, offered=-run.offered)
    await recurrences.run_removed(tx, run)
    await _remove(tx, run)
    await waitlist.settle(tx, event.id)  # places of the event have come free for those who wait for its other runs


async def _erase(tx: Write, of: Of, inside: str) -> None:
    """Cancel and delete every registration of an event or a run. Counts are left to the caller, who deletes most of them."""
    while (last := await tx.value(_last_of_batch(of), inside=inside)) is not None:
        for record in (_record_cancelled(of), _record_deleted(of)):
            await tx.execute(record, inside=inside, last=last, at=tx.now_text, actor=tx.asking.actor)
        cancelled = outbox.bulk(tx, "registration.cancelled", verbs.implied("registration.cancelled", "cancelled"))
        await tx.execute(_tell_cancelled(of), inside=inside, last=last, **cancelled)
        deleted = outbox.bulk(tx, "registration.deleted")
        await tx.execute(_tell_deleted(of), inside=inside, last=last, **deleted)
        await tx.execute(_delete(of), inside=inside, last=last)


async def _remove(tx: Write, run: Run) -> None:
    await pace_groups.remove_of(tx, run.id)
    await runs.remove(tx, msgspec.structs.replace(run, confirmed=0, offered=0))
