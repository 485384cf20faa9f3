"""The class archive: what it belongs to, where it lies, who makes it; knows no pytest."""
