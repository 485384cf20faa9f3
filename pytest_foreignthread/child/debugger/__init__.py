"""A debugger in a child: asking for the user's terminal, and reading from it."""
