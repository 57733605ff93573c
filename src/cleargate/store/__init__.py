"""The practice's records in Postgres: the only room that knows SQL."""
