"""Apache Kafka's jars and a Java that can run them; leaves starting the broker to `kafka`."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from metering.embedded.server import ServerFailed

POM = Path(__file__).with_name("apache_kafka") / "pom.xml"
JAVA_VERSION_MIN = 17  # Kafka 4's brokers are compiled for it
DOWNLOAD_SECONDS_MAX = 300.0  # 43 MB, 6 to 10 s as a rule
INSTALL_HINT = "on Debian and Ubuntu: apt-get install openjdk-17-jre-headless maven"


async def provide_kafka_jars() -> Path:
    """Return the folder with the jars, fetching them through Maven when this version of them is not in the cache.

    The cache is `$XDG_CACHE_HOME/metering`, `~/.cache/metering` by default. Concurrent callers wait for the one that
    fetches; interrupted, a fetch leaves nothing that could be taken for a whole one. Raises `ServerFailed`.
    """
    return await asyncio.to_thread(_provide_jars)


def find_java() -> Path:
    """Return the `java` of JAVA_HOME or of PATH. Raises `ServerFailed` where it is missing or too old."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None)
    if found is None:
        raise ServerFailed(f"Apache Kafka needs Java {JAVA_VERSION_MIN} or newer and none was found; {INSTALL_HINT}")
    answer = subprocess.run([found, "-version"], capture_output=True, text=True, timeout=30, check=False)
    version = re.search(r'version "(\d+)', answer.stderr)
    if version is None or int(version[1]) < JAVA_VERSION_MIN:
        raise ServerFailed(f"Apache Kafka needs Java {JAVA_VERSION_MIN} or newer, {found} says:\n{answer.stderr}")
    return Path(found)


def _provide_jars() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "metering"
    # Named after the pom's content, so that a change of version is a change of folder.
    jars = cache / f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    if jars.is_dir():
        return jars
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not jars.is_dir():
                _fetch_jars(cache, jars)
    except OSError as error:
        raise ServerFailed(f"no place for Kafka's jars, set XDG_CACHE_HOME to one: {error}") from error
    return jars


def _fetch_jars(cache: Path, jars: Path) -> None:
    """Fetch into a temporary folder and rename it when it is whole."""
    maven = shutil.which("mvn")
    if maven is None:
        raise ServerFailed(f"Apache Kafka's jars come through Maven, and there is no `mvn`; {INSTALL_HINT}")
    with tempfile.TemporaryDirectory(dir=cache, prefix=".fetch-") as temporary:
        pom = shutil.copy(POM, temporary)  # Maven writes beside the pom, and the package may be read-only
        arguments = [maven, "--batch-mode", "--no-transfer-progress", "--strict-checksums", "--file", pom]
        arguments += ["dependency:copy-dependencies", f"-DoutputDirectory={temporary}/jars"]
        try:
            answer = subprocess.run(
                arguments,
                capture_output=True,
                text=True,
                timeout=DOWNLOAD_SECONDS_MAX,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired as error:
            raise ServerFailed(f"Maven did not fetch Kafka's jars within {DOWNLOAD_SECONDS_MAX:.0f} s") from error
        if answer.returncode != 0:
            raise ServerFailed(f"Maven could not fetch Kafka's jars:\n{answer.stdout[-2000:]}{answer.stderr[-500:]}")
        Path(temporary, "jars").rename(jars)
