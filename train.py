"""Train a placement policy: `python train.py` trains on the default netlist for five minutes. See `--help`."""

import sys

from agents.ppo.command import main

if __name__ == "__main__":
    sys.exit(main())
