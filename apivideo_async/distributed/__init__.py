"""Ingestion by many machines, through one PostgreSQL."""
