"""What is going on at the desk, for those who lead it: reads, and acts by the desk's own verbs alone."""
