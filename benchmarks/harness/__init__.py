"""What the benchmarks share. Only the standard library: a child's peak memory begins with its parent's size."""
