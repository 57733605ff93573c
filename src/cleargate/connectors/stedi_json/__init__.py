"""Stedi's real-time eligibility checks, asked and answered in JSON."""
