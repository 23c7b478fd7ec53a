"""Ways in: which layout a folder or file has, and the source of samples that reads it."""
