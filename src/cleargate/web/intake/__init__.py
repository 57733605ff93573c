"""The public door: the request form, its receipt and the confirmation of a contact."""
