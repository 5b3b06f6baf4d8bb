import os
import re
import tempfile

from calls import Client, at, equal, refusing, run

version = re.search(r"Version (\S+)", run("kcat", "-V"))[1]
client = Client("kcat", version)
broker = at("KAFKA")
topic = "clients-kcat"


def kcat(*arguments, **options):
    return run("kcat", "-b", broker, *arguments, **options)


def produced(*arguments):
    """Produces ten lines and reads them again from where the topic ended."""

    def produce():
        before = end()
        lines = "".join(f"k{i}:v{i} {' '.join(arguments)}\n" for i in range(10))
        kcat("-P", "-t", topic, "-p", "0", "-K:", *arguments, input=lines)
        equal(
            kcat(
                "-C",
                "-q",
                "-t",
                topic,
                "-p",
                "0",
                "-o",
                str(before),
                "-e",
                "-K:",
                "-X",
                "isolation.level=read_committed",
            ),
            lines,
        )

    return produce


def end():
    return int(re.search(r"offset (\d+)", kcat("-Q", "-t", topic + ":0:-1"))[1])


def large():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x" * 3_000_000)
        file.flush()
        kcat("-P", "-t", topic, "-p", "0", "-X", "message.max.bytes=5000000", file.name)


def group():
    kcat(
        "-C",
        "-q",
        "-G",
        "clients-kcat",
        topic,
        "-e",
        "-o",
        "beginning",
        "-X",
        "auto.offset.reset=earliest",
        matching="v9",
    )


client.first("-L", lambda: kcat("-L", matching='topic "feed-updates" with 4 partitions'))
client.calls(
    {
        "-L -J": lambda: kcat("-L", "-J", matching='"topic":"feed-updates"'),
        "-P, -C": produced(),
        "-z gzip": produced("-z", "gzip"),
        "-z snappy": produced("-z", "snappy"),
        "-z lz4": produced("-z", "lz4"),
        "-z zstd": produced("-z", "zstd"),
        "-H": produced("-H", "a=b"),
        "idempotent": produced("-X", "enable.idempotence=true"),
        "transactional.id": produced("-X", "transactional.id=clients-kcat"),
        "-C by time": lambda: kcat("-C", "-q", "-t", topic, "-o", "s@1", "-e", matching="v9"),
        "-G": group,
        "-Q": lambda: equal(end(), 81),  # with the mark of the transaction
        "too large a message": refusing("Message size too large", large),
        "unknown topic": refusing("Unknown topic", lambda: kcat("-C", "-t", "clients-no-such-topic", "-e")),
        "unknown partition": refusing(
            "partition 77 does not exist", lambda: kcat("-C", "-t", topic, "-p", "77", "-e")
        ),
    }
)
