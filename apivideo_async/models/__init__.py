"""Records that api.video returns, one module per family, and their conversion from and to JSON.

Records are frozen, and they keep members and values that this version does not know
(service.md#records). Each module lists its public names in ``__all__``.
"""

from ..errors import Problem as Problem
from ._convert import camel_case as camel_case
from ._convert import drain_json as drain_json
from ._convert import from_json as from_json
from ._convert import parse_datetime as parse_datetime
from ._convert import readable_pairs as readable_pairs
from ._convert import timecode as timecode
from ._convert import to_json as to_json
from ._model import Model as Model
from ._model import json_default as json_default
from .account import *
from .analytics import *
from .live_stream import *
from .pagination import *
from .pagination import page_from as page_from
from .player import *
from .summary import *
from .text_track import *
from .video import *
from .webhook import *
from .webhook import event_from as event_from
