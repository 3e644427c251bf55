"""How well encoders name and tell apart real shapes in a folder."""
