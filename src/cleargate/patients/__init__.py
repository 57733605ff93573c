"""Patients: is this somebody whom the practice knows, and what is new about them?"""
