"""Scheduling: from a request to a visit in the book."""
