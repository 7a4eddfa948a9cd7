"""How does a Kafka record become an event, or a rejection with its reason?"""
