"""The payers: `payers.toml` says who they are, `shapes/` how each of them words its answers."""
