"""A JVM in the pytest process itself, which a suite of JPype's users starts there."""
