"""Work that happens without a request: encoding, broadcasts, webhook deliveries, downloads."""
