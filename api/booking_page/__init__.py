"""The pages that people see: the front page, and what it leads to. No page asks another origin for
anything, and each works without JavaScript."""
