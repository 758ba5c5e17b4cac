"""`make bench`: how fast it is, each figure beside a floor or a twin measured in the same run (limits.md tells why)."""
