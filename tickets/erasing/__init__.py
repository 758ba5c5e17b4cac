"""A customer is erased: begun at once, gone on with until it is done, and what was counted stays."""
