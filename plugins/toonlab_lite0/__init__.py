"""EfficientNet-Lite0 with real ImageNet weights from pip: features for losses, and the distances of metrics."""
