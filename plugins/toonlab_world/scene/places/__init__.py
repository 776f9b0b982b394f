"""Kinds of places: landscape, waterside, street, interior."""
