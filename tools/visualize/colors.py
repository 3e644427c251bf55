"""Colours that the colour-blind can tell apart."""

# Paul Tol's "muted" scheme and black.
COLORS = "#332288 #cc6677 #117733 #88ccee #ddcc77 #882255 #44aa99 #aa4499 #999933 #222222".split()
