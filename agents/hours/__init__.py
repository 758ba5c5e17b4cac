"""When somebody is there: opening hours, holidays, and time that counts."""
