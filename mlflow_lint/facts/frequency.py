"""How often a line runs, counted per MLflow run."""

from __future__ import annotations

import enum


class Frequency(enum.Enum):
    """What one turn of a loop stands for; the value is how messages say it."""

    ONCE = "once"
    PER_KEY = "once per key"
    PER_FILE = "once per file"
    PER_TRIAL = "once per trial"
    PER_EPOCH = "once per epoch"
    REPLAY = "once per point of a finished history"
    PER_STEP = "once per step"
    POLLING = "once per poll"
    UNKNOWN = "an unknown number of times"
