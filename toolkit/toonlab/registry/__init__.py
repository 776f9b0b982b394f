"""What plugins are, how they are found, and what they register."""
