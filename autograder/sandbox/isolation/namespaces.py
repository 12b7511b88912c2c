"""Linux namespaces: a view of the host with only the files that a worker may read, no network, no processes."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable

from autograder.sandbox.isolation import raw_syscalls as sys_
from autograder.sandbox.isolation.paths import DEVICES, WORK, inside

__all__ = ["NAMESPACES", "build_view", "enter_user_namespace", "private_work"]

NAMESPACES = sys_.CLONE_NEWNS | sys_.CLONE_NEWPID | sys_.CLONE_NEWNET | sys_.CLONE_NEWIPC | sys_.CLONE_NEWUTS
SAFE = sys_.MS_NOSUID | sys_.MS_NODEV
SHARED, SHARED_MB = "/dev/shm", 64
MOUNT_POINTS = ("/mnt", "/media", "/srv", "/opt", "/tmp", "/var/tmp")


def enter_user_namespace() -> None:
    """Become user id 0 of a new user namespace, which maps only the caller's own id."""
    user, group = os.getuid(), os.getgid()
    sys_.unshare(sys_.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def build_view(paths: Iterable[str], devices: Iterable[str] = DEVICES, facts: Iterable[str] = ()) -> None:
    """Make a small read-only root file system that holds `paths`, and enter it.

    Process 1 of a new pid namespace calls this, in a new mount namespace. The mounts are invisible outside, so the
    folder of the mount point does not change.

    Args:
        paths: files and folders to show.
        devices: device nodes to show.
        facts: further files and folders to show. Missing ones, and those inside a shown folder, are skipped.
    """
    paths = list(paths)
    paths += [path for path in facts if os.path.exists(path) and not any(inside(path, name) for name in paths)]
    os.umask(0o022)
    sys_.mount("none", "/", "", sys_.MS_REC | sys_.MS_PRIVATE)
    root = next(name for name in MOUNT_POINTS if os.path.isdir(name) and not any(inside(path, name) for path in paths))
    sys_.mount("tmpfs", root, "tmpfs", SAFE, "size=1m,mode=755")
    for path in paths:
        _show(path, root)
    for device in devices:
        _bind(device, root + device, sys_.MOUNT_NOSUID | sys_.MOUNT_NOEXEC)
    for name in ("/proc", "/tmp", "/old", SHARED, WORK):
        os.makedirs(root + name, exist_ok=True)
    sys_.mount("proc", root + "/proc", "proc", SAFE | sys_.MS_NOEXEC)
    # The import of torch needs a writable temporary folder. Each worker mounts its own folder over this one.
    sys_.mount("tmpfs", root + WORK, "tmpfs", SAFE | sys_.MS_NOEXEC, "size=16m,mode=700")
    os.chdir(root)
    sys_.pivot_root(root, root + "/old")
    os.chdir("/")
    sys_.umount_detached("/old")
    os.rmdir("/old")
    sys_.mount("none", "/", "", sys_.MS_REMOUNT | sys_.MS_BIND | sys_.MS_RDONLY | SAFE)  # this mount only


def private_work(size_mb: int, own: Collection[str] = ()) -> None:
    """Give the calling process its own /proc and its own empty folder to write to.

    Args:
        size_mb: the folder's size in MiB.
        own: further paths to write to: in its /proc, or /dev/shm, which then becomes its own, too.
    """
    sys_.unshare(sys_.CLONE_NEWNS | sys_.CLONE_NEWIPC | sys_.CLONE_NEWUTS)
    options = f"size={size_mb}m,nr_inodes={max(64, 16 * size_mb)},mode=1777"
    sys_.mount("tmpfs", WORK, "tmpfs", SAFE | sys_.MS_NOEXEC, options)
    writes = any(inside(path, "/proc") for path in own)
    sys_.mount("proc", "/proc", "proc", SAFE | sys_.MS_NOEXEC | (0 if writes else sys_.MS_RDONLY))
    if SHARED in own:
        sys_.mount("tmpfs", SHARED, "tmpfs", SAFE | sys_.MS_NOEXEC, f"size={SHARED_MB}m,mode=1777")


def _show(path: str, root: str) -> None:
    os.makedirs(os.path.dirname(root + path), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), root + path)
    else:
        _bind(path, root + path, sys_.MOUNT_RDONLY | sys_.MOUNT_NOSUID | sys_.MOUNT_NODEV)


def _bind(path: str, target: str, attributes: int) -> None:
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        open(target, "w").close()
    # Recursive: in a user namespace, a mount that is not recursive fails if it would reveal files below another mount.
    sys_.mount(path, target, "", sys_.MS_BIND | sys_.MS_REC)
    sys_.mount_setattr(target, attributes)
