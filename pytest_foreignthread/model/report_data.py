"""What a report of this plugin carries."""

from __future__ import annotations

from typing import Final

ATTRIBUTE: Final = "foreign_thread"
"""Name of the attribute that our reports carry: {"outcome": word of an abnormal outcome or None, "entry": the
record's JSON form or None, "expect": mode → the outcomes that the marker expects there, "text": one line for the short
summary, "tail": the last lines of the failure's text, which the terminal shows below the captured output, "round": how
often the test had run before, where another plugin runs it in a loop}. Plain data, so that xdist takes it along."""
