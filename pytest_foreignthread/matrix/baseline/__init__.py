"""Known outcomes, each with a reason: the file of them, and the changes that a run makes to them."""
