"""Rules of api.video as pure functions and values: no sockets, files, clocks or event loops."""
