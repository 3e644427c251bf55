"""A local page where shapes are dropped and named."""
