"""What a run would meet here: Python, plugins, JVMs, the machine, and what a child can do, as findings."""
