"""Where do records, bitmaps and counters live? One protocol, a Redis store and an in-memory store under the same tests."""
