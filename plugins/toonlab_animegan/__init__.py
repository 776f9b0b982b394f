"""AnimeGAN (Chen, Liu and Chen, ISICA 2019): Gram loss, gray and smooth suppression, networks."""
