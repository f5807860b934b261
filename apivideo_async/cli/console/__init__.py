"""Terminal output: bars, tables, messages and log notes."""
