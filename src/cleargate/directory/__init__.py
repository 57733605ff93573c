"""Who pays and who treats: payers, offices, providers and visit types."""
