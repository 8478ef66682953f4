"""Measures the figures that the README quotes, each as a ratio to a reference taken in the same run."""
