"""What is kept of a failure: documents, the bundle, its environment without secrets."""
