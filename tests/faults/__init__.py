"""Known bugs, each a change to one place of the package, and the tests that are to notice it.

A fault is silent: the code runs with it and its results look like results. `old` must stand exactly once in
`file`, so that a fault whose place has changed is an error here and not a bug that nobody plants any more.
"""

from faults import advice, attention, data, layers, models, parallel, search, sharding, training, workflows
from faults.fault import Fault

PARTS = (attention, layers, models, search, data, training, parallel, sharding, workflows, advice)
FAULTS = [fault for part in PARTS for fault in part.FAULTS]

__all__ = ["FAULTS", "Fault"]
