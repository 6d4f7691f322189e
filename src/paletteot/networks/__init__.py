"""What learns: models, batches, losses, training."""
