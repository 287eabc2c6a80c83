"""An HTML file that needs nothing else, whatever it reports."""

from collections.abc import Callable
from pathlib import Path

from vod.errors import VideoError
from vod.files import PendingFile
from vod.report import markup
from vod.report.style import STYLE

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def as_document(title: str, body: str) -> str:
    """Give a whole HTML document in the looks of every report.

    Args:
        title: text of the window's title.
        body: HTML of the content.
    """
    return _PAGE.format(title=markup.text(title), style=STYLE, body=body)


def write_document(path: Path, build: Callable[[], str]) -> None:
    """Write a document that is built once it is sure that it can be written.

    Args:
        path: the file; it is either complete or not there.
        build: gives the whole document.

    Raises:
        VideoError: the file cannot be written.
    """
    pending = PendingFile(path)
    try:
        pending.temporary.write_text(build(), encoding="utf-8")
        pending.commit()
    except OSError as error:
        raise VideoError(f"cannot write {path}: {error.strerror or error}.") from error
    finally:
        pending.discard()
