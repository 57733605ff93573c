"""A mail server that takes the practice's mail over SMTP."""
