"""Uploads: plan, ledger, sources, and the engine that sends the chunks."""
