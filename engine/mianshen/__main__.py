"""`python -m mianshen`: the same as the `mianshen` script."""

import sys
from importlib import import_module

sys.exit(import_module("mianshen_cli.main").main())
