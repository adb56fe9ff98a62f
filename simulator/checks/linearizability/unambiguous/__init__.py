"""Histories in which no value is written twice: decided in n log n, without search."""
