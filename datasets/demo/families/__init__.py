"""Procedural shape families, one function a category."""
