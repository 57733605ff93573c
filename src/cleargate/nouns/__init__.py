"""Pure frozen values that every floor may know. No I/O, no clock, no vendor."""
