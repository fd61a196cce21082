"""Sport settings applied to activities, as the Intervals.icu API speaks of it: asked for by PUT, and done in the background.

To see how far it is by GET is additive; the original says nothing of it.
"""

from typing import Annotated, Literal

from msgspec import Meta

from openintervals.api.http import Read, Write
from openintervals.api.icu import dialect
from openintervals.api.icu.dialect import Wire, icu
from openintervals.platform.tasks import Task
from openintervals.training import sport_applications


class SportApplication(Wire, frozen=True, kw_only=True):
    """How far it is to apply sport settings to the activities they are for."""

    id: str
    state: Literal["running", "done", "failed"]
    done_count: Annotated[int, Meta(description="How many activities were analysed by now.")]
    problem: Annotated[str | None, Meta(description="Why it failed, or which part of it.")]
    created: dialect.InstantOut
    ended: dialect.InstantOut | None


@icu.operation("PUT", "/athlete/{athlete_id}/sport-settings/{settings_id}/apply", scope="SETTINGS:WRITE", tag="Sports")
async def apply_to_activities(tx: Write, settings_id: str) -> SportApplication:
    """Apply sport settings to activities

    All activities the settings are for are analysed by the values that count today, in the background; what people have set of an activity alone
    stays. To ask again while it is under way begins it anew. GET of the same path says how far it is.
    """
    return _view(await sport_applications.start(tx, settings_id))


@icu.operation("GET", "/athlete/{athlete_id}/sport-settings/{settings_id}/apply", scope="SETTINGS:READ", tag="Sports")
async def get_application(tx: Read, settings_id: str) -> SportApplication:
    """Retrieve how far sport settings are applied

    The last time they were, for 30 days; 404 when they were not. Additive.
    """
    return _view(await sport_applications.last(tx, settings_id))


def _view(task: Task) -> SportApplication:
    return SportApplication(
        id=task.id,
        state=task.state,  # type: ignore[arg-type]  # a CHECK holds that it is one of them
        done_count=task.done_count,
        problem=task.problem,
        created=dialect.instant(task.created_at),
        ended=dialect.instant(task.ended_at) if task.ended_at else None,
    )
