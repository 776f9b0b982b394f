"""Objects in a scene: buildings, people, plants, furniture, vehicles."""
