"""File formats: bytes in, values out, and back. Nothing here knows the database, the network or the rest of the house."""
