"""api.video's rules as pure functions and values: no sockets, files, clocks or event loops."""
