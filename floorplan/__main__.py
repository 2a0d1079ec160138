"""`python -m floorplan` is the `floorplan` command."""

import sys

from floorplan.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
