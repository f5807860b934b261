"""Listing sources: folders, buckets, manifests and watched folders."""
