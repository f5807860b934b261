"""Sources of uploads: recognising, opening, reading and chunking them."""
