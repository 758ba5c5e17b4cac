"""Who gets a ticket: rules, strategies, offers, and why."""
