"""Rules of api.video as pure functions and values, without sockets, files, clocks or event loops.
"""
