"""Scopes: what a key may do. One line each, in words; the only list there is."""

SCOPES: dict[str, str] = {
    "read:series": "Read the organization and its event series",
    "read:events": "Read events and their runs",
    "write:events": "Create, change and delete events and runs",
    "read:participants": "Read registrations and waiting lists",
    "write:participants": "Register participants, change, transfer and check in registrations",
    "read:recurrences": "Read recurrences",
    "write:recurrences": "Create, change, pause and delete recurrences",
    "read:groups": "Read groups and the events in them",
    "write:groups": "Create, change and delete groups, add and remove their events",
    "read:changes": "Follow what changes, as far as the key may read it",
    "read:webhooks": "Read webhooks and what was delivered to them",
    "write:webhooks": "Create, change, rotate, test, replay and delete webhooks",
}

READS: dict[str, str] = {
    "event": "read:events",
    "run": "read:events",
    "registration": "read:participants",
    "recurrence": "read:recurrences",
    "group": "read:groups",
    "webhook": "read:webhooks",
}
"""What it takes to learn of changes of an object, by its type. Changes of other objects are not told to keys."""
