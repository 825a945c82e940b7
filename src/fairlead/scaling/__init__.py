"""The running autoscaler: what it is told, what it does, and what it writes down of it."""
