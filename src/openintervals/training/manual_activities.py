"""Activities entered by hand: what people or their programs say was done, without a recording.

All that is said is a person's word, so nothing here is analysed. What follows from it, such as an average speed from a distance and a time, follows
anew whenever it changes (`activity_fields.by_hand`). An `external_id` names an activity for the source it comes from: sent again by the same source
it changes what is there. Two that send the same at once take turns at the athlete's row, so the second finds what the first has made.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from openintervals import errors, instants
from openintervals.db.transaction import Write
from openintervals.platform import ids
from openintervals.training import activities, activity_analysis, activity_edits, activity_fields, athletes, tombstones
from openintervals.training.activities import Activity, Whole
from openintervals.training.uploads import Buried

MANUAL = "MANUAL"
AT_ONCE_MOST = 1_000


async def create(tx: Write, given: Mapping[str, Any], *, source: str = MANUAL, again: bool = True) -> Whole:
    """A new activity by what is said of it: at least `start_date_local` and `type`. Raises Invalid with every wrong field, Buried."""
    athlete = await athletes.lock(tx)
    values, wrong = activity_fields.accepted(given)
    said = {name: value for name, value in values.items() if value is not None}
    for name in ("start_date_local", "type"):
        if name not in said and name not in wrong:
            wrong[name] = ["Expected a value"]
    if wrong:
        raise errors.Invalid("The activity cannot be made", wrong)
    if external_id := said.get("external_id"):
        for tombstone in await tombstones.of_external(tx, external_id, source):
            if not again:
                raise Buried(tombstone.activity_id)
            await tombstones.forget(tx, tombstone.activity_id)
    computed = activity_fields.by_hand(said)
    edited = activity_fields.merged(computed, {}, said)
    start = datetime.fromisoformat(said["start_date_local"]).replace(tzinfo=ZoneInfo(athlete.timezone)).astimezone(UTC)
    activity = Activity(
        id=ids.numbered(tx.now),
        file_hash=None,
        file_type=None,
        sport_index=0,
        source=source,
        start_at=instants.text(start),
        end_at=instants.text(start + activity_fields.lasted(said)),
        timezone=athlete.timezone,
        warnings=msgspec.Raw(b"[]"),
        possible_duplicate_of=None,
        analysis_version=activity_analysis.VERSION,
        measured_on=None,
        created_at=tx.now_text,
        updated_at=tx.now_text,
        analyzed_at=None,
        version=1,
        **activity_fields.as_columns(activity_fields.shown(computed, edited)),
    )
    twin = await activities.overlapping(tx, activity)
    activity = msgspec.structs.replace(activity, possible_duplicate_of=twin)
    return await activities.insert(tx, activity, computed, edited)


async def put(
    tx: Write, given: Sequence[Mapping[str, Any]], *, source: str = MANUAL, again: bool = True
) -> list[Whole]:
    """Make several, or change those that `source` already knows by their `external_id`, in the order given. Raises Invalid, Buried."""
    if len(given) > AT_ONCE_MOST:
        raise errors.Invalid("Too many activities", {"activities": [f"At most {AT_ONCE_MOST} at once"]})
    await athletes.lock(tx)
    made = []
    for each in given:
        external_id = each.get("external_id")
        known = await activities.of_external(tx, external_id, source) if isinstance(external_id, str) else []
        if known:
            made.append(await activity_edits.change(tx, known[0].id, each))
        else:
            made.append(await create(tx, each, source=source, again=again))
    return made
