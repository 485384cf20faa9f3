"""Make the environment with the plugins, below the running one: `python -m tests.interop`."""

from .environment import install

install()
