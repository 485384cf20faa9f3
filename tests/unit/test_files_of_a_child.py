"""Files that a child makes: what another test has put in their place beforehand is replaced, and never waited for."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

STACKS: Final = "from pytest_foreignthread.child.faults import PythonStacks\nPythonStacks(path, path.parent / 'b', 40)"
WORDS: Final = "from pytest_foreignthread.child.output import diverted\nwith diverted(path): os.write(1, b'words')"


@pytest.mark.parametrize("code", [STACKS, WORDS], ids=["stacks", "words of the JVM"])
@pytest.mark.parametrize("kind", ["fifo", "link", "file", "none"])
def test_what_stands_in_the_place_of_a_file_is_replaced(tmp_path: Path, code: str, kind: str) -> None:
    path, users = tmp_path / "a", tmp_path / "user's"
    users.write_text("the user's")
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "link":
            path.symlink_to(users)
        case "file":
            path.write_text("old")
    program = f"import os\nfrom pathlib import Path\npath = Path({str(path)!r})\n{code}"
    # Without a limit a child that opens the FIFO would wait for ever.
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert stat.S_ISREG(path.lstat().st_mode)
    assert path.read_text() == ("words" if code == WORDS else "")
    assert users.read_text() == "the user's"
