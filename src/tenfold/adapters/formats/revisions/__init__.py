"""A revision folder: written, read, derived from another one, exported."""
