"""Verifiers and corrections in the trainers people use; each host is imported when it is needed."""
