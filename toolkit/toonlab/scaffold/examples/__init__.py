"""A plugin of each kind, small and whole, that `toonlab new` starts from. `example` becomes the plugin's own name."""
