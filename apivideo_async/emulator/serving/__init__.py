"""The delivery hosts: assets of videos and live streams."""
