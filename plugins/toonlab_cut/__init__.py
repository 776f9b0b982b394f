"""CUT and FastCUT (Park, Efros, Zhang and Zhu, ECCV 2020)."""
