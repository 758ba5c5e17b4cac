"""Who is there, and what each can take on."""
