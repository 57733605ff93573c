"""People of the practice: who may sign in, and for how long."""
