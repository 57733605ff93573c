"""Optum's (before: Change Healthcare's) real-time eligibility checks, in JSON behind OAuth."""
