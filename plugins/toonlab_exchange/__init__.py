"""Exchange with other programs: authors' checkpoints, and ONNX in both directions."""
