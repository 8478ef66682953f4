"""Answers to why: late, silent, safe, refused. From what a running deployment says, and from the events it has kept."""
