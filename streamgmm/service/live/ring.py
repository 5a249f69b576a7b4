"""The last frames, bounded in number and in bytes: what a page can rewind over."""

from collections import deque
from collections.abc import Iterator

from streamgmm.service.live.frame import Frame, n_bytes, n_points

MOST_FRAMES = 1200  # five minutes at four a second
MOST_BYTES = 64 * 1024 * 1024


class Ring:
    """Frames with ascending numbers without gaps. The newest one is kept whatever its size."""

    def __init__(self, most_frames: int = MOST_FRAMES, most_bytes: int = MOST_BYTES) -> None:
        self._frames: deque[Frame] = deque()
        self._most_frames, self._most_bytes, self._bytes = most_frames, most_bytes, 0

    def add(self, frame: Frame) -> None:
        """The oldest ones make room."""
        self._frames.append(frame)
        self._bytes += n_bytes(frame)
        while len(self._frames) > 1 and (len(self._frames) > self._most_frames or self._bytes > self._most_bytes):
            self._bytes -= n_bytes(self._frames.popleft())

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames)

    @property
    def oldest(self) -> Frame | None:
        """The first one still kept."""
        return self._frames[0] if self._frames else None

    @property
    def newest(self) -> Frame | None:
        """The last one."""
        return self._frames[-1] if self._frames else None

    def at(self, number: int) -> Frame | None:
        """The frame of that number, if it is still kept."""
        place = number - self._frames[0].number if self._frames else -1
        return self._frames[place] if 0 <= place < len(self._frames) else None

    def up_to(self, frame: Frame, points: int) -> list[Frame]:
        """The frames that hold the last `points` vectors up to `frame`, oldest first."""
        found: list[Frame] = []
        number = frame.number
        while points > 0 and (before := self.at(number)) is not None:
            found.append(before)
            points, number = points - n_points(before), number - 1
        return found[::-1]
