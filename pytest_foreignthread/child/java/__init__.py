"""The JVM of a child: its start, the default bridge, the ways onto Java threads, exceptions that no one caught."""
