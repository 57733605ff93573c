"""Whoever fulfils the ports: one folder per vendor, and the wires that they share.

A vendor's folder has four files: `client.py` calls and turns the vendor's failures into PortError,
`mapping.py` is pure, `settings.py` is what the practice's settings hold, `quality.toml` says which
rules are kept.
"""
