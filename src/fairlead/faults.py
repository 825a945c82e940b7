"""A fault of fairlead's own, told the same way wherever it is met: what caught it goes on."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path


def told(error: Exception) -> str:
    """In one line, with its place; the whole of it goes to standard error."""
    sys.excepthook(type(error), error, error.__traceback__)
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"fairlead itself failed: {error!r} at {Path(where.filename).name}:{where.lineno}"
