"""Room `channel`: what crosses the pipes between the pytest process and a child.

May import the rooms below it: stress, model.
"""
