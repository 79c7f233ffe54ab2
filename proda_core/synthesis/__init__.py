"""Synthesis: Items before anything else, then Examples from single facts, Patches from diagnoses, and Mixtures of all."""
