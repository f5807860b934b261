"""Uploads: plan, ledger, sources, and the engine that moves the bytes."""
