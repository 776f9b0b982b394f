"""The commands, in groups. Whatever takes time to import is imported when a command runs."""
