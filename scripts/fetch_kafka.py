"""Put Apache Kafka's jars into the cache and see that Java is there, before tests with time limits need them.

Leaves starting the broker to `metering.embedded.kafka`.
"""

from __future__ import annotations

import asyncio
import sys

from metering.embedded.kafka_jars import find_java, provide_kafka_jars
from metering.embedded.server import ServerFailed


def main() -> int:
    """Return 0 when a broker could start here, else print what is missing and return 1."""
    try:
        find_java()
        asyncio.run(provide_kafka_jars())
    except ServerFailed as missing:
        print(missing, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
