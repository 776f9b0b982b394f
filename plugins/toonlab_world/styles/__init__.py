"""Cartoon styles and their colours."""
