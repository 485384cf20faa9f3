"""A debugger in a child: the request for the user's terminal, and the input from it."""
