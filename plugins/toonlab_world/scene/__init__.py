"""What a scene is made of, from a key to shapes in the unit square."""
