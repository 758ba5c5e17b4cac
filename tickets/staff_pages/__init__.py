"""The settings pages about colleagues, teams and tags."""
