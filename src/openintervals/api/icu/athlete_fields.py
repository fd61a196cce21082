"""An athlete's fields on the wire: what people wish, what the account is, and what of other services the original knows and this server has not.

Whatever the original shows of an athlete is here, so that its clients find it; of services that this server is not linked with nothing is true.
Each group goes on where the one before ends, up to `Account`, which has them all.
"""

from typing import Any, Literal

from msgspec import field

from openintervals.api.icu import dialect
from openintervals.api.icu.dialect import SportType, Wire

Notice = Literal[
    "NEWSLETTER",
    "ACHIEVEMENTS",
    "FOLLOW_REQUEST",
    "COACH_ME_REQUEST",
    "PRIVATE_CHAT",
    "PRIVATE_MSG",
    "GROUP_CHAT",
    "GROUP_MSG",
    "ACTIVITY_CHAT",
    "ACTIVITY_MSG",
    "COACH_TICK",
    "FOLLOWED_ACTIVITY_CHAT",
    "COACHED_ACTIVITY_CHAT",
    "FOLLOWED_NEW_ACTIVITY",
    "COACHED_NEW_ACTIVITY",
    "GEAR_ALERTS",
    "PLAN_FOR_WEEK",
    "NEW_ACTIVITY",
]


class CoachTick(Wire, frozen=True, kw_only=True):
    """A word of praise that a coach gives."""

    id: int | None = None
    text: dialect.Line | None = None


class GearOfOld(Wire, frozen=True, kw_only=True):
    """Gear as another service names it."""

    id: str | None = None
    name: str | None = None
    primary: bool = False
    distance: float | None = None


class TypeSettings(Wire, frozen=True, kw_only=True):
    """How much of the load of a type of activity counts."""

    type: SportType | None = None
    ctl_factor: float | None = field(default=None, name="ctlFactor")
    atl_factor: float | None = field(default=None, name="atlFactor")


class TrainingAvailability(Wire, frozen=True, kw_only=True):
    """Whether, how long and in which sports somebody can train on a day of the week, 1 to 7."""

    day_of_week: int | None = None
    training_availability: Literal["NORMAL", "LIMITED", "UNAVAILABLE"] | None = None
    max_training_time: int | None = None
    can_train_sports: list[SportType] | None = None


class Person(Wire, frozen=True, kw_only=True):
    """What an athlete is called, and what analysis asks about the body."""

    name: str | None = None
    email: str | None = None
    sex: Literal["M", "F"] | None = None
    born_on: dialect.DayOut | None = field(default=None, name="icu_date_of_birth")
    timezone: str | None = None
    weight: float | None = None
    icu_weight: float | None = None
    resting_hr_bpm: int | None = field(default=None, name="icu_resting_hr")


class Wishes(Person, frozen=True, kw_only=True):
    """What people set and no rule looks at."""

    activity_rpe_prompt: bool = False
    bio: dialect.Prose | None = None
    city: dialect.Line | None = None
    coach_ticks: list[CoachTick] | None = None
    countries: list[dialect.Line] | None = None
    country: dialect.Line | None = None
    currency: dialect.Line | None = None
    date_format: dialect.Line | None = None
    email_notifications: list[Notice] | None = None
    fahrenheit: bool = False
    firstname: dialect.Line | None = None
    height: float | None = None
    height_units: Literal["CM", "FEET"] | None = None
    icu_effort_secs: list[int] | None = None
    icu_form_as_percent: bool = False
    icu_menstrual_cycle_perm: Literal["NONE", "READ", "WRITE"] | None = None
    icu_mmp_days: int | None = None
    icu_send_achievements: bool = False
    icu_send_activity_chat: bool = False
    icu_send_activity_msg: bool = False
    icu_send_coach_me_req: bool = False
    icu_send_coach_tick: bool = False
    icu_send_coached_activity_chat: bool = False
    icu_send_coached_new_activity: bool = False
    icu_send_follow_req: bool = False
    icu_send_followed_activity_chat: bool = False
    icu_send_followed_new_activity: bool = False
    icu_send_gear_alerts: bool = False
    icu_send_group_chat: bool = False
    icu_send_group_msg: bool = False
    icu_send_newsletter: bool = False
    icu_send_plan_for_week: bool = False
    icu_send_private_chat: bool = False
    icu_send_private_msg: bool = False
    icu_track_menstrual_cycle: bool = False
    icu_type_settings: list[TypeSettings] | None = None
    icu_weight_sync: Literal["NONE", "STRAVA"] | None = None
    icu_wellness_keys: list[dialect.Line] | None = None
    icu_wellness_prompt: bool = False
    include_descr_in_plan_for_week: bool = False
    languages: list[dialect.Line] | None = None
    lastname: dialect.Line | None = None
    locale: dialect.Line | None = None
    measurement_preference: dialect.Line | None = None
    notification_athlete_tags_enabled: list[dialect.Line] | None = None
    open_step_duration: int | None = None
    private_wellness_keys: list[dialect.Line] | None = None
    profile_medium: dialect.Line | None = None
    push_notifications: list[Notice] | None = None
    rain: Literal["MM", "INCHES"] | None = None
    state: dialect.Line | None = None
    time_format: dialect.Line | None = None
    training_availability: list[TrainingAvailability] | None = None
    visibility: Literal["PRIVATE", "PUBLIC", "HIDDEN"] | None = None
    website: dialect.Line | None = None
    weight_pref_lb: bool = False
    wind_speed: Literal["MPS", "KNOTS", "KMH", "MPH", "BFT"] | None = None


class Services(Wishes, frozen=True, kw_only=True):
    """Links with other services."""

    add_weather_to_strava_descr: bool = False
    concept2_sync_activities: bool = False
    concept2_user_id: str | None = None
    coros_download_wellness: bool = False
    coros_last_upload: dialect.InstantOut | None = None
    coros_sync_activities: bool = False
    coros_upload_workouts: bool = False
    coros_user_id: str | None = None
    dropbox_scope: str | None = None
    garmin_pace_range: float | None = None
    garmin_power_target: Literal["POWER_LAP", "POWER", "POWER_3S", "POWER_10S", "POWER_30S"] | None = None
    garmin_sync_activity_types: list[SportType] | None = None
    garmin_sync_after: dialect.InstantOut | None = None
    google_scope: str | None = None
    google_wellness_keys: list[str] | None = None
    huawei_download_wellness: bool = False
    huawei_sync_activities: bool = False
    huawei_upload_workouts: bool = False
    huawei_user_id: str | None = None
    icu_garmin_download_wellness: bool = False
    icu_garmin_health: bool = False
    icu_garmin_hr_range: float | None = None
    icu_garmin_last_upload: dialect.InstantOut | None = None
    icu_garmin_outdoor_power_range: float | None = None
    icu_garmin_sync_activities: bool = False
    icu_garmin_training: bool = False
    icu_garmin_upload_filters: list[dict[str, Any]] | None = None
    icu_garmin_upload_workouts: bool = False
    icu_garmin_wellness_keys: list[str] | None = None
    ignore_strava_gear: bool = False
    oura_scope: str | None = None
    oura_wellness_keys: list[str] | None = None
    polar_download_wellness: bool = False
    polar_scope: str | None = None
    polar_sync_activities: bool = False
    polar_sync_activity_types: list[SportType] | None = None
    polar_wellness_keys: list[str] | None = None
    strava_allowed: bool = False
    strava_authorized: bool = False
    strava_id: int | None = None
    strava_sync_activities: bool = False
    strava_sync_activity_types: list[SportType] | None = None
    strava_sync_other_activities: bool = False
    suunto_download_wellness: bool = False
    suunto_hr_range: float | None = None
    suunto_last_upload: dialect.InstantOut | None = None
    suunto_outdoor_power_range: float | None = None
    suunto_pace_range: float | None = None
    suunto_scope: str | None = None
    suunto_sync_activities: bool = False
    suunto_sync_activity_types: list[SportType] | None = None
    suunto_upload_filters: list[dict[str, Any]] | None = None
    suunto_upload_workouts: bool = False
    suunto_user_id: str | None = None
    update_strava_name: bool = False
    wahoo_sync_activities: bool = False
    wahoo_upload_workouts: bool = False
    wahoo_user_id: str | None = None
    whoop_scope: str | None = None
    whoop_wellness_keys: list[str] | None = None
    zepp_download_wellness: bool = False
    zepp_sync_activities: bool = False
    zepp_upload_workouts: bool = False
    zepp_user_id: str | None = None
    zwift_sync_activities: bool = False
    zwift_upload_workouts: bool = False
    zwift_user_id: str | None = None


class Account(Services, frozen=True, kw_only=True):
    """What the server says of an account."""

    beta_user: bool = False
    bikes: list[GearOfOld] | None = None
    has_password: bool = False
    has_push_subscriptions: bool = False
    icu_activated: dialect.InstantOut | None = None
    icu_admin: bool = False
    icu_api_key: str | None = None
    icu_coach: bool = False
    icu_email_disabled: str | None = None
    icu_email_verified: bool = False
    icu_friend_invite_token: str | None = None
    icu_last_seen: dialect.InstantOut | None = None
    icu_permission: Literal["NONE", "READ", "WRITE"] | None = None
    icu_queue_pos: int | None = None
    plan: Literal["FREE", "PREMIUM", "SUPPORTER", "WHITELABEL"] | None = None
    plan_expires: dialect.InstantOut | None = None
    scope: str | None = None
    shoes: list[GearOfOld] | None = None
    sponsored_by_chat_id: int | None = None
    status: Literal["ACTIVE", "DORMANT", "ARCHIVED"] | None = None
    status_updated: dialect.InstantOut | None = None
    training_plan_id: int | None = None
    training_plan_start_date: str | None = None
    trial_end_date: dialect.InstantOut | None = None
    wellness_last_prompt_date: str | None = None


WISHES = tuple(name for name in Wishes.__struct_fields__ if name not in Person.__struct_fields__)
"""The names of what people wish."""
