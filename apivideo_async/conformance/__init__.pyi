# The names of this package, each written once. They are loaded by ``_lazy.py``.

from .checking import Check as Check
from .checking import check as check
from .observations import Observation as Observation
from .options import CheckOptions as CheckOptions
from .report import ConformanceReport as ConformanceReport
