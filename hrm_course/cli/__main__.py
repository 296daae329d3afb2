"""So that torchrun can start it: torchrun --nproc-per-node 2 -m hrm_course.cli train RECIPE."""

import sys

from . import main

sys.exit(main())
