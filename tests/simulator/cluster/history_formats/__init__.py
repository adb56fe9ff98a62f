"""Histories of other tools."""
