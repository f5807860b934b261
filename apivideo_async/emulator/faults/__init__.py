"""Faults on demand: the rules that select requests, and the actions that damage them."""
