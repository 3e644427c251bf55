"""The synthetic world: data sets made by a seeded generator, in the layouts of the real ones."""
