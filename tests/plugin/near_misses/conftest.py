"""These tests crash, hang and fail on purpose: they run by name only, each in a run of its own."""

collect_ignore_glob = ["test_*.py"]
