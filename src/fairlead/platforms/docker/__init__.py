"""Endpoints as containers of a Docker engine, its own and those that others have labelled."""
