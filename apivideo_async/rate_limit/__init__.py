"""Request budgets: windows, the fair queue, and limiters for one process or several."""
