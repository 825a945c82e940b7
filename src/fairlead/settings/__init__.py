"""fairlead.yaml: strict, with errors that name file and line."""

from fairlead.settings.load import load, parse, problems

__all__ = ["load", "parse", "problems"]
