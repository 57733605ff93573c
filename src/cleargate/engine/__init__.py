"""Durable phases: what a case does next survives slowness, failure and kill -9."""
