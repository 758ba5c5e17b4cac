"""What WhatsApp, Messenger and Instagram share: Meta's webhook door, its Graph API, its errors.

No adapter itself; the three adapters import it and never each other. ``door`` (who posts, whose entry
it is), ``graph`` (requests and files), ``errors`` (codes → words), ``numbers``, ``contents`` and
``templates`` (WhatsApp), ``inbox`` and ``pages`` (Messenger and Instagram).
"""
