"""Checkers and Hypothesis strategies for anybody's divergence, loss or penalty."""
