"""The last price of each share, as Java's exchange publishes them."""

from .book import JAR, Book

__all__ = ["JAR", "Book"]
