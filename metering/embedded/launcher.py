"""Become another program that dies when its parent does; leaves logs, readiness and stopping to `process`.

Runs as a script of its own between fork and exec. A `preexec_fn` would do the same, but it runs Python in a forked copy
of a process that may hold locks in other threads; a fresh interpreter costs 15 ms and cannot deadlock.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
KEEP_IDENTITY = -1


def main() -> None:
    """Take on an identity, tie the life to the parent's, and exec.

    The command line: parent's pid, uid, gid, signal at the parent's death, program, its arguments.
    """
    parent_pid, uid, gid, death_signal = (int(argument) for argument in sys.argv[1:5])
    if uid != KEEP_IDENTITY:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # After setuid, because a change of credentials clears the signal.
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    # The parent may have died before the signal was set; then nobody is left to ask for this program.
    if os.getppid() == parent_pid:
        os.execv(sys.argv[5], sys.argv[5:])  # noqa: S606  no shell is what is wanted


if __name__ == "__main__":
    main()
