"""Ten small races, and how many rounds show each of them: without a shaken schedule, and with one."""
