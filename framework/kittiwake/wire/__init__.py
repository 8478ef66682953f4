"""Bytes of links and files: packets, frames and their checks, without any input or output of their own."""
