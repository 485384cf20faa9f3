"""The JVM of a child: its start, the default bridge, the launchers onto Java threads, uncaught exceptions."""
