"""Code shared by the benchmarks.

It uses only the standard library, because the peak memory of a child process starts with the size
of its parent.
"""
