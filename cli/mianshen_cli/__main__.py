"""`python -m mianshen_cli`: the same as the `mianshen` script."""

import sys

from mianshen_cli.main import main

sys.exit(main())
