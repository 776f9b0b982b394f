"""Functions and layers of tensors that several methods share; public to plugins, see the page *Tensor functions*."""
