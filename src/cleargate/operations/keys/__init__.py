"""The vault's keys: rotated, wrapped anew, destroyed, and told about."""
