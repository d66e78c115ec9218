"""``QCAlgorithm`` as users see it, one mixin per concern."""
