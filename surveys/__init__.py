"""Asks customers how it went after a ticket is resolved, takes their answers, and sees that something follows."""
