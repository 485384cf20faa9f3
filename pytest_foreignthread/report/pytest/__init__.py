"""Turns a record into what pytest logs: reports, properties, warnings."""
