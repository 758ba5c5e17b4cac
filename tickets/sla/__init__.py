"""By when something has to happen on a ticket: policies, clocks, warnings, breaches and what follows from them."""
