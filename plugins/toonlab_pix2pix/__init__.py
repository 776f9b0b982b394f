"""pix2pix (Isola, Zhu, Zhou and Efros, CVPR 2017)."""
