"""How an ingestion went, as a page, as data, as a table."""
