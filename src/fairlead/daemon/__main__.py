"""`python -m fairlead.daemon FILE STATE`: what `fairlead up --detach` starts."""

import sys
from pathlib import Path

from fairlead.core.errors import FairleadError
from fairlead.daemon import run

if __name__ == "__main__":
    try:
        sys.exit(run(Path(sys.argv[1]), Path(sys.argv[2])))
    except FairleadError as error:
        sys.stderr.writelines(f"fairlead: {line}\n" for line in str(error).splitlines())
        sys.exit(error.exit_status)
