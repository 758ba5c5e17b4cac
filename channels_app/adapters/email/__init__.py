"""Mail. ``parser.read`` turns the bytes of a message into a ``mail.Mail``; the other modules are its pure parts."""
