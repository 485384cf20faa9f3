"""Outcomes that are known, each with a reason: the file that holds them, and what a run changes in them."""
