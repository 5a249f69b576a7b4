"""`make pictures`: draw the README's pictures into docs/pictures/. Names of pictures as arguments draw these alone."""

import sys

from docs.gallery import gaps, page, soft, stream, stretched
from docs.gallery.style import save

PICTURES = {picture.NAME: picture.draw for picture in (stretched, soft, stream, gaps)}

PAGE = "page"  # four screenshots of the demo


def main(names: list[str]) -> None:
    """Draw them."""
    for name in names or (*PICTURES, PAGE):
        for path in page.take() if name == PAGE else [save(PICTURES[name](), name)]:
            sys.stdout.write(f"{path.relative_to(path.parents[2])}  {path.stat().st_size / 1024:.0f} KiB\n")


if __name__ == "__main__":
    main(sys.argv[1:])
