"""The ledger of an ingestion: its rules, its SQL and its databases."""
