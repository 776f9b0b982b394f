"""CartoonGAN (Chen, Lai and Liu, CVPR 2018): edge-promoting loss and networks."""
