"""`python -m doubles.stripe`."""

import sys

from doubles.stripe import main

sys.exit(main())
