"""What is on disk survives: the kinds of files that a deployment keeps, each safe against a kill at any instruction."""
