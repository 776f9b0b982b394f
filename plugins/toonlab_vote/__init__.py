"""`toonlab vote`: a blinded preference study of a study's pictures, in the browser."""
