"""The command line's groups of commands; each body lives in the room that does the work."""
