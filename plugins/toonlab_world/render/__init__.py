"""From a scene to pixels: the photo and the cartoon."""
