"""SIGTERM ends this program by a segmentation fault (status 134), not by the signal (143)."""

import os
import signal
import time

import jpype

jpype.startJVM(interrupt=False)
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(10)
