"""What the site adds to its pages while it is built: the list of decisions, from their titles."""

from pathlib import Path
from typing import Any


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    if page.file.src_uri != "decisions/index.md":
        return markdown
    titles = [
        f"- [{path.read_text().splitlines()[0].removeprefix('# ')}]({path.name})"
        for path in sorted(Path(page.file.abs_src_path).parent.glob("0*.md"))
    ]
    return "\n".join([markdown, *titles, ""])
