"""Which strategy to choose, how large tasks should be, and what to do next."""
