"""Work that happens without a request: encoding, broadcasts and downloads of sources."""
