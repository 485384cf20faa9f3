"""From a record to what a reader sees: format only, decide nothing."""
