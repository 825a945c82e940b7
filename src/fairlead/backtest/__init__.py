"""Backtests: traces are read here, and scenarios replayed on all cores; the rest is in core."""
