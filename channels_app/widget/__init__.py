"""The platform of our own: visitors of a website, what each may see, and the doors that a widget knocks at."""
