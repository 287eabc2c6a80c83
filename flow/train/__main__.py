"""Run `python -m flow.train`."""

import sys

from flow.train.run import main

sys.exit(main())
