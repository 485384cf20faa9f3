"""The files that are kept of a failure: its documents and its bundle, without secrets."""
