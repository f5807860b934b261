"""Where items are: folders, manifests, object stores, the web; listed as streams, read by ranges."""
