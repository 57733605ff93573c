"""Payers' own ways, as data: one TOML file a payer, few kinds of rules, each with its source."""
