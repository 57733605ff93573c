"""Pages and API: what patients and staff see, and what they send."""
