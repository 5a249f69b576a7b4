"""Everything that can go wrong, by whose fault it is; each class carries the exit code of the program.

StreamgmmError (1)                 our fault
├── SettingsError (2)              the settings or the command line
├── BrokerError (3)                the broker refused, or was unreachable past its deadline
│   └── BrokerUnavailable          it did not answer: trying again may help
├── TransactionFailed (3)          a transaction's outcome is unknown: start again from the checkpoint
├── Fenced (4)                     another learner has taken over this model
├── StateLost (5)                  a checkpoint is missing or damaged
├── RecordsLost (5)                input was deleted before it was learnt
├── InputUnusable (6)              input that cannot be processed
│   ├── CorruptBatch               a record batch is damaged
│   └── TooFewVectors              the stream ended before a model could start
└── AuditFailed (7)                `streamgmm audit` found records missing or twice
"""


class StreamgmmError(Exception):
    """The root. The message says what happened, to which thing, and what to do."""

    exit_code = 1


class SettingsError(StreamgmmError):
    """A setting is unknown, out of bounds, or contradicts the model's checkpoint."""

    exit_code = 2


class BrokerError(StreamgmmError):
    """The broker refused a request for good (authorisation, topic configuration, record size)."""

    exit_code = 3


class BrokerUnavailable(BrokerError):
    """The broker could not be reached or did not answer in time; the caller may try again."""


class TransactionFailed(StreamgmmError):
    """Something went wrong inside a transaction, so its outcome is unknown.

    The writer that raised it must be thrown away, with everything computed since the last commit.
    """

    exit_code = 3


class Fenced(StreamgmmError):
    """Another learner has claimed this model. A supervisor must not restart on this exit code."""

    exit_code = 4


class StateLost(StreamgmmError):
    """A checkpoint that must exist is missing, damaged, or of an unknown schema."""

    exit_code = 5


class RecordsLost(StreamgmmError):
    """The records `position` to `available` of a partition can no longer be read (retention, topic made anew).

    `available` is the next offset that can be read; it lies below `position` when the topic was made anew.
    """

    exit_code = 5

    def __init__(self, topic: str, partition: int, position: int, available: int) -> None:
        self.topic, self.partition, self.position, self.available = topic, partition, position, available
        where = "starts at" if available > position else "ends at"
        super().__init__(
            f"input lost: {topic}/{partition} {where} offset {available}, but the next record to learn is {position}. "
            "Retention deleted it or the topic was made anew. To go on without it: --set input.on_lost_records=skip"
        )


class InputUnusable(StreamgmmError):
    """Input that cannot be processed and cannot be set aside."""

    exit_code = 6


class CorruptBatch(InputUnusable):
    """A record batch is damaged. `next_offset` is the first offset behind it, as far as can be told."""

    def __init__(self, topic: str, partition: int, offset: int, next_offset: int, why: str) -> None:
        self.topic, self.partition, self.offset, self.next_offset, self.why = topic, partition, offset, next_offset, why
        super().__init__(
            f"damaged record batch at {topic}/{partition} offset {offset}: {why}. Records before it were processed. "
            "To leave the batch out: --set input.on_corrupt=skip"
        )


class TooFewVectors(InputUnusable):
    """The stream ended (`--until-end`) before there were enough vectors to start a model."""


class AuditFailed(StreamgmmError):
    """Records are missing or, in exactly_once, published twice."""

    exit_code = 7
