"""From a record to what pytest logs: reports, properties, warnings."""
