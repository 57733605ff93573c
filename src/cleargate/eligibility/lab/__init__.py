"""The payer lab: a stored answer becomes a de-identified fixture with its expected verdict."""
