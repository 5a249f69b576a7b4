"""`leash.py FOLDER COMMAND...` runs a command that cannot outlive whoever started this script.

The starter holds the other end of standard input. When it goes away, however it ends, the pipe closes: the command is
killed and the folder that it worked in is removed. A byte through the pipe kills the command and leaves the folder.
"""

import shutil
import signal
import subprocess
import sys
import threading


def hold(folder: str, command: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: None)  # meant for the command, which shares the process group
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    cut = threading.Event()

    def watch() -> None:
        if not sys.stdin.buffer.read(1):
            cut.set()
        child.kill()

    threading.Thread(target=watch, daemon=True).start()
    code = child.wait()
    if cut.is_set():
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(hold(sys.argv[1], sys.argv[2:]))
