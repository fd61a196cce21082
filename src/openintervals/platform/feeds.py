"""The changes feed: every change of an organization in the order of commits, to be followed with a cursor."""

import sqlalchemy as sa

from openintervals.db import schema

feeds = schema.table("feeds", sa.Column("position", sa.BigInteger, nullable=False), key=())
