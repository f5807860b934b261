"""Opening sources: local files, objects of object stores, and files on web servers."""
