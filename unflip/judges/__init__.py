"""Verifiers with a model inside: who is asked, with which words, and what its reply decides."""
