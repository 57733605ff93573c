"""Gates: which cases may go unattended, and what a person's decision sets in motion."""
