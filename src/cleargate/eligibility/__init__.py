"""Asking payers whether a patient is covered, and reading what they say."""
