"""The schema's history, one file a step; the last line of each file is never edited."""
