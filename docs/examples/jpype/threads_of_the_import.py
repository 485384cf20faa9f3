"""`import jpype` imports numpy, whose linear algebra starts threads."""

import os


def threads():
    return len(os.listdir("/proc/self/task"))


before = threads()
import jpype  # noqa: E402, F401

print(f"{before} thread before `import jpype`, {threads()} after it")
