"""Waystar's eligibility gateway (formerly ZirMed): a 270 in a form, a 271 or a page back."""
