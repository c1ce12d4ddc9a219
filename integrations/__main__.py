"""`python -m integrations`."""

import sys

from integrations.cli import main

if __name__ == "__main__":
    sys.exit(main())
