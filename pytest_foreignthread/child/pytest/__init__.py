"""pytest's protocol of one test as the child runs it, its hooks and its reports on their way out."""
