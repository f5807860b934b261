"""Sources of uploads: recognise, open, read and cut the data to upload."""
