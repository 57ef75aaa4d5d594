"""What verdicts say when nobody has looked: agreement and rewrites, which never certify a rate."""

from unflip.noise.unlabelled.agreement import Agreement, agree
from unflip.noise.unlabelled.metamorphic import Kind, Metamorphic, measure
from unflip.noise.unlabelled.rewrites import Variant, variants

__all__ = ["Agreement", "Kind", "Metamorphic", "Variant", "agree", "measure", "variants"]
