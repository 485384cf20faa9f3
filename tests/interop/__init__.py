"""This plugin beside the plugins that people have: each pair, and all of them at once, in real runs of pytest."""
