"""Who has left before the answer came gets it by mail, and may answer that mail."""
