"""Readers of existing set-ups: files, or a live cluster, as a core.setup.Setup."""
