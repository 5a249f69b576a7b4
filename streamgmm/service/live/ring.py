"""The last frames, bounded in number and in bytes: what a page can rewind over."""

from collections import Counter, deque
from collections.abc import Iterator

from streamgmm.service.live.frame import Frame, n_points
from streamgmm.service.live.size import held

MOST_FRAMES = 1200  # five minutes at four a second
MOST_BYTES = 64 * 1024 * 1024


class Ring:
    """Frames with ascending numbers without gaps. The newest one is kept whatever its size."""

    def __init__(self, most_frames: int = MOST_FRAMES, most_bytes: int = MOST_BYTES) -> None:
        self._frames: deque[Frame] = deque()
        self._most_frames, self._most_bytes = most_frames, most_bytes
        self._holders: Counter[int] = Counter()  # how many frames hold a part, by its identity
        self._sizes: dict[int, int] = {}  # of the parts, in bytes
        self.n_bytes = 0  # that the frames keep alive

    def add(self, frame: Frame) -> None:
        """The oldest ones make room."""
        self._frames.append(frame)
        for part, size in held(frame, self._sizes).items():
            if part not in self._sizes:
                self._sizes[part] = size
                self.n_bytes += size
            self._holders[part] += 1
        while len(self._frames) > 1 and (len(self._frames) > self._most_frames or self.n_bytes > self._most_bytes):
            self._drop(self._frames.popleft())

    def _drop(self, frame: Frame) -> None:
        for part in held(frame, self._sizes):
            self._holders[part] -= 1
            if not self._holders[part]:
                del self._holders[part]
                self.n_bytes -= self._sizes.pop(part)

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
