"""Request budgets: windows, fair waiting, and limiters for one process or many."""
