"""pytest's protocol of one test as the child runs it, with the hooks and the reports that the child sends."""
