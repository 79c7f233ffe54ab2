"""Pocket: the small base model that the project pretrains itself on general skill over made-up names."""
