-- The tables as SQLite has them, made from the domain files; `bin/docs` writes it anew.
-- PostgreSQL has the same, with text compared byte by byte (COLLATE "C"), and the sequence `journal_sequence`.

CREATE TABLE activities (
    athlete_id TEXT NOT NULL,
    id TEXT NOT NULL,
    file_hash TEXT,
    file_type TEXT,
    sport_index BIGINT NOT NULL,
    external_id TEXT,
    source TEXT NOT NULL,
    start_at TEXT NOT NULL,
    end_at TEXT NOT NULL,
    local_start TEXT NOT NULL,
    timezone TEXT NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    tags TEXT NOT NULL,
    warnings TEXT NOT NULL,
    possible_duplicate_of TEXT,
    analysis_version BIGINT NOT NULL,
    measured_on TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    analyzed_at TEXT,
    version BIGINT NOT NULL,
    computed TEXT NOT NULL,
    edited TEXT NOT NULL,
    served TEXT NOT NULL,
    CONSTRAINT pk_activities PRIMARY KEY (athlete_id, id)
) WITHOUT ROWID;

CREATE INDEX ix_activities_external_id ON activities (athlete_id, external_id);
CREATE INDEX ix_activities_local_start ON activities (athlete_id, local_start, id, type);
CREATE INDEX ix_activities_start_at ON activities (athlete_id, start_at);
CREATE INDEX ix_activities_updated_at ON activities (athlete_id, updated_at);
CREATE UNIQUE INDEX uq_activities_file ON activities (athlete_id, file_hash, sport_index);

CREATE TABLE activity_curves (
    athlete_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    activity_id TEXT NOT NULL,
    weight_kg DOUBLE,
    best BLOB NOT NULL,
    places BLOB NOT NULL,
    CONSTRAINT pk_activity_curves PRIMARY KEY (athlete_id, kind, activity_id)
) WITHOUT ROWID;

CREATE TABLE activity_ids (
    id TEXT NOT NULL,
    athlete_id TEXT NOT NULL,
    CONSTRAINT pk_activity_ids PRIMARY KEY (id)
) WITHOUT ROWID;

CREATE TABLE activity_intervals (
    athlete_id TEXT NOT NULL,
    activity_id TEXT NOT NULL,
    intervals TEXT NOT NULL,
    groups TEXT NOT NULL,
    marked TEXT,
    CONSTRAINT pk_activity_intervals PRIMARY KEY (athlete_id, activity_id)
) WITHOUT ROWID;

CREATE TABLE activity_streams (
    athlete_id TEXT NOT NULL,
    activity_id TEXT NOT NULL,
    name TEXT NOT NULL,
    edited BOOLEAN NOT NULL,
    packed BLOB,
    CONSTRAINT pk_activity_streams PRIMARY KEY (athlete_id, activity_id, name, edited)
) WITHOUT ROWID;

CREATE TABLE api_keys (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    id TEXT NOT NULL,
    hash TEXT NOT NULL,
    name TEXT,
    prefix TEXT NOT NULL,
    last_four TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    revoked_at TEXT,
    last_used_at TEXT,
    last_address TEXT,
    CONSTRAINT pk_api_keys PRIMARY KEY (organization_id, mode, id),
    CONSTRAINT ck_api_keys_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE INDEX ix_api_keys_hash ON api_keys (hash);

CREATE TABLE athlete_keys (
    athlete_id TEXT NOT NULL,
    id TEXT NOT NULL,
    hash TEXT NOT NULL,
    name TEXT,
    last_four TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    revoked_at TEXT,
    CONSTRAINT pk_athlete_keys PRIMARY KEY (athlete_id, id)
) WITHOUT ROWID;

CREATE INDEX ix_athlete_keys_hash ON athlete_keys (hash);

CREATE TABLE athletes (
    athlete_id TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    sex TEXT,
    born_on TEXT,
    timezone TEXT NOT NULL,
    weight_kg DOUBLE,
    resting_hr_bpm BIGINT,
    preferences TEXT NOT NULL,
    numbers BIGINT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT pk_athletes PRIMARY KEY (athlete_id),
    CONSTRAINT ck_athletes_sex CHECK (sex IN ('M', 'F'))
) WITHOUT ROWID;

CREATE TABLE coachings (
    athlete_id TEXT NOT NULL,
    coach_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    CONSTRAINT pk_coachings PRIMARY KEY (athlete_id, coach_id)
) WITHOUT ROWID;

CREATE INDEX ix_coachings_coach_id ON coachings (coach_id);

CREATE TABLE deliveries (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    id TEXT NOT NULL,
    object_id TEXT NOT NULL,
    object_version BIGINT NOT NULL,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    created_at TEXT NOT NULL,
    due_at TEXT NOT NULL,
    ended_at TEXT,
    again BOOLEAN NOT NULL,
    tries BIGINT NOT NULL,
    attempts TEXT NOT NULL,
    payload TEXT,
    CONSTRAINT pk_deliveries PRIMARY KEY (organization_id, mode, webhook_id, id),
    CONSTRAINT ck_deliveries_state CHECK (state IN ('waiting', 'succeeded', 'failed', 'cancelled', 'superseded')),
    CONSTRAINT ck_deliveries_ended CHECK ((state = 'waiting') = (ended_at IS NULL)),
    CONSTRAINT ck_deliveries_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE INDEX ix_deliveries_ended_at ON deliveries (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX ix_deliveries_turn ON deliveries (organization_id, mode, webhook_id, object_id, object_version, id) WHERE state = 'waiting';
CREATE INDEX ix_deliveries_unsent ON deliveries (organization_id, mode, webhook_id, state, id) WHERE state IN ('failed', 'cancelled', 'superseded');
CREATE INDEX ix_deliveries_waiting ON deliveries (again, webhook_id, due_at, id) WHERE state = 'waiting';
CREATE UNIQUE INDEX uq_deliveries_change ON deliveries (organization_id, mode, webhook_id, object_id, object_version, type);

CREATE TABLE event_runs (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    distance_m DOUBLE NOT NULL,
    distance_standard TEXT NOT NULL,
    distance_label TEXT NOT NULL,
    starts_on TEXT NOT NULL,
    local_start TEXT,
    event_status TEXT,
    registration_url TEXT,
    registration_opens_at TEXT,
    registration_closes_at TEXT,
    sold_out BOOLEAN NOT NULL,
    registration_override TEXT,
    max_participants BIGINT,
    confirmed BIGINT NOT NULL,
    offered BIGINT NOT NULL,
    is_virtual BOOLEAN,
    is_relay BOOLEAN,
    is_walking BOOLEAN,
    bib_from BIGINT,
    bib_to BIGINT,
    waitlist_offer_hours BIGINT,
    recurrence_id TEXT,
    occurrence_on TEXT,
    template TEXT,
    edited BOOLEAN NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT pk_event_runs PRIMARY KEY (organization_id, mode, id),
    CONSTRAINT ck_event_runs_capacity CHECK (confirmed >= 0 AND offered >= 0 AND (max_participants IS NULL OR confirmed + offered <= max_participants)),
    CONSTRAINT fk_event_runs_event FOREIGN KEY(organization_id, mode, event_id) REFERENCES events (organization_id, mode, id),
    CONSTRAINT ck_event_runs_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE INDEX ix_event_runs_event_id ON event_runs (organization_id, mode, event_id, starts_on);
CREATE INDEX ix_event_runs_recurrence_id ON event_runs (organization_id, mode, recurrence_id, occurrence_on) WHERE recurrence_id IS NOT NULL;

CREATE TABLE events (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    type TEXT NOT NULL,
    starts_on TEXT NOT NULL,
    local_start TEXT,
    ends_on TEXT,
    local_end TEXT,
    address TEXT,
    lat DOUBLE,
    lng DOUBLE,
    description TEXT,
    website_url TEXT,
    registration_url TEXT,
    max_participants BIGINT,
    confirmed BIGINT NOT NULL,
    offered BIGINT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (organization_id, mode, id),
    CONSTRAINT uq_events_slug UNIQUE (organization_id, mode, slug),
    CONSTRAINT ck_events_capacity CHECK (confirmed >= 0 AND offered >= 0 AND (max_participants IS NULL OR confirmed + offered <= max_participants)),
    CONSTRAINT ck_events_type CHECK (type IN ('race', 'runClub', 'timeTrial', 'other')),
    CONSTRAINT ck_events_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE INDEX ix_events_starts_on ON events (organization_id, mode, starts_on);
CREATE INDEX ix_events_type ON events (organization_id, mode, type, id);

CREATE TABLE feeds (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT pk_feeds PRIMARY KEY (organization_id, mode),
    CONSTRAINT ck_feeds_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE TABLE group_events (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    group_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    CONSTRAINT pk_group_events PRIMARY KEY (organization_id, mode, group_id, event_id),
    CONSTRAINT ck_group_events_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE INDEX ix_group_events_event_id ON group_events (organization_id, mode, event_id);

CREATE TABLE groups (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    description TEXT,
    status TEXT NOT NULL,
    card_image_id TEXT,
    cover_image_id TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT pk_groups PRIMARY KEY (organization_id, mode, id),
    CONSTRAINT uq_groups_slug UNIQUE (organization_id, mode, slug),
    CONSTRAINT ck_groups_status CHECK (status IN ('active', 'paused', 'archived')),
    CONSTRAINT ck_groups_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE INDEX ix_groups_status ON groups (organization_id, mode, status, id);

CREATE TABLE idempotency_keys (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    "key" TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status BIGINT,
    body TEXT,
    location TEXT,
    created_at TEXT NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (organization_id, mode, "key"),
    CONSTRAINT ck_idempotency_keys_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);

CREATE TABLE journal (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    verb TEXT NOT NULL,
    object_type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    object_version BIGINT NOT NULL,
    changed TEXT NOT NULL,
    snapshot TEXT NOT NULL,
    implies TEXT DEFAULT '' NOT NULL,
    position BIGINT,
    CONSTRAINT pk_journal PRIMARY KEY (organization_id, mode, sequence),
    CONSTRAINT ck_journal_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE INDEX ix_journal_arrived ON journal (organization_id, mode, sequence) WHERE position IS NULL;
CREATE UNIQUE INDEX uq_journal_position ON journal (organization_id, mode, position);
CREATE UNIQUE INDEX uq_journal_version ON journal (organization_id, mode, object_id, object_version);

CREATE TABLE organizations (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    roles TEXT NOT NULL,
    "plan" TEXT NOT NULL,
    timezone TEXT NOT NULL,
    bypass_windows BOOLEAN NOT NULL,
    created_at TEXT NOT NULL,
    CONSTRAINT pk_organizations PRIMARY KEY (id),
    CONSTRAINT uq_organizations_slug UNIQUE (slug)
) WITHOUT ROWID;

CREATE TABLE pace_groups (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    event_run_id TEXT NOT NULL,
    name TEXT NOT NULL,
    place BIGINT NOT NULL,
    max_participants BIGINT,
    bib_from BIGINT,
    bib_to BIGINT,
    confirmed BIGINT NOT NULL,
    offered BIGINT NOT NULL,
    CONSTRAINT pk_pace_groups PRIMARY KEY (organization_id, mode, event_run_id, name),
    CONSTRAINT ck_pace_groups_capacity CHECK (confirmed >= 0 AND offered >= 0 AND (max_participants IS NULL OR confirmed + offered <= max_participants)),
    CONSTRAINT fk_pace_groups_run FOREIGN KEY(organization_id, mode, event_run_id) REFERENCES event_runs (organization_id, mode, id),
    CONSTRAINT ck_pace_groups_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE TABLE rate_limits (
    organization_id TEXT NOT NULL,
    bucket TEXT NOT NULL,
    tat_s DOUBLE NOT NULL,
    CONSTRAINT pk_rate_limits PRIMARY KEY (organization_id, bucket)
) WITHOUT ROWID;

CREATE TABLE recordings (
    athlete_id TEXT NOT NULL,
    activity_id TEXT NOT NULL,
    recording TEXT NOT NULL,
    CONSTRAINT pk_recordings PRIMARY KEY (athlete_id, activity_id)
) WITHOUT ROWID;

CREATE TABLE recurrences (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    label TEXT,
    schedule TEXT NOT NULL,
    run_templates TEXT,
    default_course_id TEXT,
    status TEXT NOT NULL,
    auto_publish_horizon_weeks BIGINT NOT NULL,
    anchor_on TEXT NOT NULL,
    effective_from TEXT,
    gaps TEXT NOT NULL,
    publish_at TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT pk_recurrences PRIMARY KEY (organization_id, mode, id),
    CONSTRAINT fk_recurrences_event FOREIGN KEY(organization_id, mode, event_id) REFERENCES events (organization_id, mode, id),
    CONSTRAINT ck_recurrences_status CHECK (status IN ('active', 'paused', 'archived')),
    CONSTRAINT ck_recurrences_horizon CHECK (auto_publish_horizon_weeks BETWEEN 1 AND 52),
    CONSTRAINT ck_recurrences_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE INDEX ix_recurrences_event_id ON recurrences (organization_id, mode, event_id, id);
CREATE INDEX ix_recurrences_publish_at ON recurrences (publish_at) WHERE status = 'active';
CREATE INDEX ix_recurrences_status ON recurrences (organization_id, mode, status, id);

CREATE TABLE registrations (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event_run_id TEXT NOT NULL,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    name TEXT,
    registration_type TEXT NOT NULL,
    status TEXT NOT NULL,
    pace_group TEXT,
    notes TEXT,
    bib TEXT,
    bib_pinned BOOLEAN NOT NULL,
    checked_in_at TEXT,
    checked_in_device TEXT,
    queue_number BIGINT,
    offer_expires_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT pk_registrations PRIMARY KEY (organization_id, mode, id),
    CONSTRAINT fk_registrations_run FOREIGN KEY(organization_id, mode, event_run_id) REFERENCES event_runs (organization_id, mode, id),
    CONSTRAINT ck_registrations_status CHECK (status IN ('confirmed', 'cancelled', 'waitlist', 'refunded')),
    CONSTRAINT ck_registrations_type CHECK (registration_type IN ('free', 'paid')),
    CONSTRAINT ck_registrations_queue CHECK ((status = 'waitlist') = (queue_number IS NOT NULL)),
    CONSTRAINT ck_registrations_offer CHECK (offer_expires_at IS NULL OR status = 'waitlist'),
    CONSTRAINT ck_registrations_bib CHECK (bib IS NULL OR status = 'confirmed'),
    CONSTRAINT ck_registrations_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE INDEX ix_registrations_email ON registrations (organization_id, mode, event_id, email_folded, id);
CREATE INDEX ix_registrations_event_id ON registrations (organization_id, mode, event_id, id);
CREATE INDEX ix_registrations_queue ON registrations (organization_id, mode, event_id, event_run_id, queue_number, pace_group, offer_expires_at) WHERE status = 'waitlist';
CREATE INDEX ix_registrations_run_id ON registrations (organization_id, mode, event_run_id, id);
CREATE INDEX ix_registrations_status ON registrations (organization_id, mode, event_id, status, id);
CREATE UNIQUE INDEX uq_registrations_active ON registrations (organization_id, mode, event_run_id, email_folded) WHERE status IN ('confirmed', 'waitlist');
CREATE UNIQUE INDEX uq_registrations_bib ON registrations (organization_id, mode, event_id, bib) WHERE bib IS NOT NULL;

CREATE TABLE senders (
    id TEXT NOT NULL,
    alive_until TEXT NOT NULL,
    CONSTRAINT pk_senders PRIMARY KEY (id)
);

CREATE TABLE sport_settings (
    athlete_id TEXT NOT NULL,
    id TEXT NOT NULL,
    types TEXT NOT NULL,
    other BOOLEAN NOT NULL,
    history TEXT NOT NULL,
    preferences TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT pk_sport_settings PRIMARY KEY (athlete_id, id)
) WITHOUT ROWID;

CREATE TABLE tasks (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    arguments TEXT NOT NULL,
    progress TEXT NOT NULL,
    done_count BIGINT NOT NULL,
    state TEXT NOT NULL,
    problem TEXT,
    failures BIGINT NOT NULL,
    run_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    ended_at TEXT,
    CONSTRAINT pk_tasks PRIMARY KEY (organization_id, mode, id),
    CONSTRAINT ck_tasks_state CHECK (state IN ('running', 'done', 'failed')),
    CONSTRAINT ck_tasks_ended CHECK ((state = 'running') = (ended_at IS NULL)),
    CONSTRAINT ck_tasks_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE INDEX ix_tasks_due ON tasks (run_at) WHERE state = 'running';
CREATE INDEX ix_tasks_ended_at ON tasks (ended_at) WHERE ended_at IS NOT NULL;
CREATE UNIQUE INDEX uq_tasks_running ON tasks (organization_id, mode, object_id, kind) WHERE state = 'running';

CREATE TABLE tombstones (
    athlete_id TEXT NOT NULL,
    activity_id TEXT NOT NULL,
    file_hash TEXT,
    sport_index BIGINT NOT NULL,
    external_id TEXT,
    source TEXT NOT NULL,
    deleted_at TEXT NOT NULL,
    CONSTRAINT pk_tombstones PRIMARY KEY (athlete_id, activity_id)
) WITHOUT ROWID;

CREATE INDEX ix_tombstones_external_id ON tombstones (athlete_id, external_id);
CREATE INDEX ix_tombstones_file_hash ON tombstones (athlete_id, file_hash);

CREATE TABLE usage (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    day TEXT NOT NULL,
    key_id TEXT NOT NULL,
    requests BIGINT NOT NULL,
    CONSTRAINT pk_usage PRIMARY KEY (organization_id, mode, day, key_id),
    CONSTRAINT ck_usage_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE TABLE webhook_leases (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    sender_id TEXT NOT NULL,
    held_until TEXT NOT NULL,
    CONSTRAINT pk_webhook_leases PRIMARY KEY (organization_id, mode, webhook_id),
    CONSTRAINT ck_webhook_leases_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE TABLE webhook_subscriptions (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    type TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    CONSTRAINT pk_webhook_subscriptions PRIMARY KEY (organization_id, mode, type, webhook_id),
    CONSTRAINT ck_webhook_subscriptions_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE INDEX ix_webhook_subscriptions_webhook ON webhook_subscriptions (organization_id, mode, webhook_id);

CREATE TABLE webhooks (
    organization_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    id TEXT NOT NULL,
    dialect TEXT NOT NULL,
    url TEXT NOT NULL,
    description TEXT,
    types TEXT NOT NULL,
    format TEXT NOT NULL,
    coalesce BOOLEAN NOT NULL,
    status TEXT NOT NULL,
    disabled_reason TEXT,
    disabled_at TEXT,
    failing_since TEXT,
    key_id TEXT NOT NULL,
    secret TEXT NOT NULL,
    old_secret TEXT,
    old_secret_until TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    deleted_at TEXT,
    version BIGINT NOT NULL,
    CONSTRAINT pk_webhooks PRIMARY KEY (organization_id, mode, id),
    CONSTRAINT ck_webhooks_status CHECK (status IN ('active', 'paused', 'disabled', 'deleted')),
    CONSTRAINT ck_webhooks_format CHECK (format IN ('full', 'thin')),
    CONSTRAINT ck_webhooks_deleted CHECK ((status = 'deleted') = (deleted_at IS NOT NULL)),
    CONSTRAINT ck_webhooks_disabled CHECK ((status = 'disabled') = (disabled_at IS NOT NULL)),
    CONSTRAINT ck_webhooks_mode CHECK (mode IN ('live', 'test'))
) WITHOUT ROWID;

CREATE INDEX ix_webhooks_deleted_at ON webhooks (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX ix_webhooks_id ON webhooks (id);
CREATE INDEX ix_webhooks_key_id ON webhooks (organization_id, mode, key_id);
