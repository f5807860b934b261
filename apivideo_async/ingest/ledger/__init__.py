"""The ledger of an ingestion: its rules, its SQL statements, its databases and its leases."""
