"""A practice's outside world on loopback: EHR, clearinghouse, payers and mail, with a ledger.

It speaks real wire formats and is not kinder than the world; docs/sandbox.md is its contract.
"""
