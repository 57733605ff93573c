"""Availity's coverages: asked by a form, answered later in Availity's own JSON."""
