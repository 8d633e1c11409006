"""Made-up data with the shape of published views, so that an analysis can be written before
there is a permit.

Nothing here asks a gateway, and nothing is drawn from real data: only what a catalogue tells of
a variable, its type, code system and bounds, shapes its values. A dummy result says nothing
about anybody.
"""

from .client import DummyClient
from .data import Dummy, DummyTable, dummy
from .example import example_catalogue

__all__ = ["Dummy", "DummyClient", "DummyTable", "dummy", "example_catalogue"]
