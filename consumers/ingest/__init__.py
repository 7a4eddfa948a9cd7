"""How do records get from Kafka to the engine? The Faust worker: the only package that imports Faust."""
