"""The class archive that lets a JVM start faster: what it depends on, where it lies, who makes it. Knows no pytest."""
