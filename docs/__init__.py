"""The documentation: pages in Markdown, and in `generate` what makes the parts that come from the code."""
