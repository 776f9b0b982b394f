"""The dataset `toonworld`: shards in the cache, rendered by worker processes."""
