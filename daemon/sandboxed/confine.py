"""Confinement: what the kernel keeps this process from, beside its limits. Each part is in force where the kernel has it.

Sources: seccomp(2), prctl(2), unshare(2), landlock(7); the numbers of calls are those of Linux' own tables for each machine.
"""

import ctypes
import errno
import platform
import struct
from typing import BinaryIO

_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2
_NEW_USER, _NEW_NET, _NEW_IPC = 0x1000_0000, 0x4000_0000, 0x0800_0000
_THREAD = 0x0001_0000
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT, _LANDLOCK_VERSION = 444, 446, 1
_LANDLOCK_RIGHTS = {1: 13, 2: 14, 3: 15}
"""How many kinds of access to files each version of Landlock knows, the later ones no fewer."""
_ALLOW, _ERRNO = 0x7FFF_0000, 0x0005_0000
_LOAD, _EQUAL, _ABOVE, _SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_X32 = 0x4000_0000
"""From it on calls are those of another way to make them."""

_MACHINES = {
    "x86_64": (
        0xC000_003E,
        {"clone": 56, "clone3": 435},
        "unlink=87 unlinkat=263 rename=82 renameat=264 renameat2=316 rmdir=84 mkdir=83 mkdirat=258 link=86 linkat=265 "
        "symlink=88 symlinkat=266 mknod=133 mknodat=259 chmod=90 fchmod=91 fchmodat=268 fchmodat2=452 chown=92 fchown=93 "
        "lchown=94 fchownat=260 truncate=76 ftruncate=77 utime=132 utimes=235 utimensat=280 futimesat=261 setxattr=188 "
        "lsetxattr=189 fsetxattr=190 removexattr=197 lremovexattr=198 fremovexattr=199 fork=57 vfork=58 execve=59 "
        "execveat=322 kill=62 tkill=200 ptrace=101 process_vm_readv=310 process_vm_writev=311 socket=41 socketpair=53 "
        "connect=42 bind=49 mount=165 umount2=166 chroot=161 pivot_root=155 unshare=272 setns=308 bpf=321 "
        "perf_event_open=298 init_module=175 finit_module=313 keyctl=250 io_uring_setup=425 memfd_create=319 "
        "userfaultfd=323 pidfd_open=434 pidfd_send_signal=424 rt_sigqueueinfo=129 setuid=105 setgid=106 chdir=80",
    ),
    "aarch64": (
        0xC000_00B7,
        {"clone": 220, "clone3": 435},
        "unlinkat=35 renameat=38 renameat2=276 mkdirat=34 linkat=37 symlinkat=36 mknodat=33 fchmod=52 fchmodat=53 "
        "fchmodat2=452 fchown=55 fchownat=54 truncate=45 ftruncate=46 utimensat=88 setxattr=5 lsetxattr=6 fsetxattr=7 "
        "removexattr=14 lremovexattr=15 fremovexattr=16 execve=221 execveat=281 kill=129 tkill=130 ptrace=117 "
        "process_vm_readv=270 process_vm_writev=271 socket=198 socketpair=199 connect=203 bind=200 mount=40 umount2=39 "
        "chroot=51 pivot_root=41 unshare=97 setns=268 bpf=280 perf_event_open=241 init_module=105 finit_module=273 "
        "keyctl=219 io_uring_setup=425 memfd_create=279 userfaultfd=282 pidfd_open=434 pidfd_send_signal=424 "
        "rt_sigqueueinfo=138 setuid=146 setgid=144 chdir=49",
    ),
}
"""By machine: its mark in the kernel's audit, the calls that make processes and threads, and those that nobody here needs."""

in_force: list[str] = []
"""What of it is, in the words that `check` says it."""


def apart() -> None:
    """Leave the user's own namespaces, before there is a second thread: no network, no messages, no rights over anybody."""
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_USER | _NEW_NET | _NEW_IPC) == 0:
        in_force.append("own namespaces")


def confine() -> None:
    """Give up what a parser of files never needs: new rights, files by any path, other processes, sockets."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        in_force.append("no new privileges")
    if _landlock(libc):
        in_force.append("Landlock")
    if _seccomp(libc):
        in_force.append("seccomp")


def told(_: BinaryIO, sink: BinaryIO, limits: dict[str, int]) -> None:
    """Answer what is in force."""
    sink.write(", ".join(in_force).encode())


def _landlock(libc: ctypes.CDLL) -> bool:
    version = libc.syscall(_LANDLOCK_CREATE, None, 0, _LANDLOCK_VERSION)
    if version < 1:
        return False
    rights = struct.pack("<Q", (1 << _LANDLOCK_RIGHTS.get(version, 15)) - 1)
    rules = libc.syscall(_LANDLOCK_CREATE, rights, len(rights), 0)
    return bool(rules >= 0 and libc.syscall(_LANDLOCK_RESTRICT, rules, 0) == 0)


def _seccomp(libc: ctypes.CDLL) -> bool:
    known = _MACHINES.get(platform.machine())
    if known is None:
        return False
    program = _program(*known)
    code = ctypes.create_string_buffer(program)
    given = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    return bool(libc.prctl(_SET_SECCOMP, _FILTER, ctypes.c_char_p(given), 0, 0) == 0)


def _program(mark: int, makes: dict[str, int], denied: str) -> bytes:
    """The filter: other machines' calls and those denied fail with EPERM, new processes too; threads may be made."""
    numbers = [int(each.partition("=")[2]) for each in denied.split()]
    no, unknown = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    steps = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, mark),
        (_RETURN, 0, 0, no),
        (_LOAD, 0, 0, 0),
        (_ABOVE, 0, 1, _X32),
        (_RETURN, 0, 0, no),
    ]
    steps += [(_EQUAL, 0, 1, makes["clone3"]), (_RETURN, 0, 0, unknown)]  # so that threads are made by the older call
    steps += [
        (_EQUAL, 0, 4, makes["clone"]),
        (_LOAD, 0, 0, 16),
        (_SET, 0, 1, _THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, no),
    ]
    for number in numbers:
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, no)]
    steps.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *step) for step in steps)
