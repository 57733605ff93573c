"""The trail's seals: a tree of hashes over what happened, its signed roots, and their proofs."""
