"""A person gives gold labels: what is asked, where the answers are kept, and two ways of asking."""

from unflip.labelling.book import Book, Label, read_labels
from unflip.labelling.session import Question, Session

__all__ = ["Book", "Label", "Question", "Session", "read_labels"]
