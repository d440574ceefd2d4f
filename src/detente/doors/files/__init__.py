"""Files in: each format is read into the same frozen values."""
