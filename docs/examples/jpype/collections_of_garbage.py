"""Each collection of Java's garbage makes JPype collect all of Python's."""

import gc
import time

import jpype

jpype.startJVM()
FULL = []
gc.callbacks.append(lambda phase, info: FULL.append(phase) if phase == "stop" and info["generation"] == 2 else None)
for _ in range(5):
    jpype.JClass("java.lang.System").gc()
    time.sleep(0.2)
    [object() for _ in range(100)]
print(f"5 collections in Java, {len(FULL)} full collections in Python")
