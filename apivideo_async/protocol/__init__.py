"""Rules of api.video as pure functions and values.

The modules use no sockets, files, clocks or event loops.
"""
