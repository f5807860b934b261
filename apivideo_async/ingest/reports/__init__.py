"""Reports on an ingestion: a web page, a JSON document, or a table."""
