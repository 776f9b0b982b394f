"""White-box cartoonization (Wang and Yu, CVPR 2020): surface, structure and texture representations, networks."""
