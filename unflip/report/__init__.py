"""Reports for people: one HTML file with inline SVG, or Markdown."""

from unflip.report.collect import Collector, check_of
from unflip.report.findings import Cost, Findings, Spending
from unflip.report.html import to_html
from unflip.report.markdown import to_markdown

__all__ = ["Collector", "Cost", "Findings", "Spending", "check_of", "to_html", "to_markdown"]
