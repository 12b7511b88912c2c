"""The allow-list of system calls: computing, threads, reading, and writing the worker's own files.

Calls are listed by name, so that one list serves every architecture; a name that an architecture lacks has no effect
there. For a worker on the CPU, a call on neither list fails with ENOSYS, so that programs fall back to an older call. A
worker that uses a GPU may make every call that is not refused: see `isolation.opening`.
"""

from __future__ import annotations

__all__ = ["ALLOWED", "FCNTL_REFUSED", "IOCTL_ALLOWED", "PRCTL_ALLOWED", "REFUSED", "TERMINAL_INPUT"]

ALLOWED: dict[str, str] = {
    "reading and writing": (
        "read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek _llseek sendfile sendfile64"
        " copy_file_range splice tee fsync fdatasync ftruncate ftruncate64 fallocate fadvise64 fadvise64_64 readahead"
    ),
    "files": (
        "open openat openat2 creat close close_range dup dup2 dup3 fcntl fcntl64 stat stat64 fstat fstat64 lstat"
        " lstat64 newfstatat fstatat64 statx statfs statfs64 fstatfs fstatfs64 access faccessat faccessat2 readlink"
        " readlinkat getdents getdents64 getcwd chdir fchdir umask flock mkdir mkdirat rmdir unlink unlinkat rename"
        " renameat renameat2 link linkat symlink symlinkat"
    ),
    "waiting": (
        "poll ppoll select _newselect pselect6 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait"
        " epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 pipe pipe2 pause nanosleep clock_nanosleep"
        " timerfd_create timerfd_settime timerfd_gettime wait4 waitid waitpid"
    ),
    # Event loops wake themselves up through a socket pair, which reaches no other process.
    "pairs of sockets": "socketpair sendto recvfrom sendmsg recvmsg shutdown getsockname getpeername getsockopt",
    "memory": "mmap mmap2 munmap mremap mprotect madvise brk msync mincore get_mempolicy membarrier map_shadow_stack",
    "threads": (
        "futex futex_waitv futex_wait futex_wake futex_requeue set_robust_list get_robust_list set_tid_address rseq"
        " clone exit exit_group sched_yield arch_prctl set_thread_area get_thread_area"
    ),
    "signals to itself": (
        "kill tgkill rt_sigaction rt_sigprocmask rt_sigreturn sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend"
        " sigaltstack restart_syscall alarm setitimer getitimer timer_create timer_settime timer_gettime"
        " timer_getoverrun timer_delete signalfd signalfd4"
    ),
    "what it is": (
        "getpid gettid getppid getpgrp getpgid getsid getuid geteuid getgid getegid getgroups getresuid getresgid"
        " getrlimit ugetrlimit setrlimit prlimit64 getrusage times sysinfo uname capget getcpu getpriority ioprio_get"
        " sched_getaffinity sched_getparam sched_getscheduler sched_getattr sched_get_priority_max"
        " sched_get_priority_min sched_rr_get_interval"
    ),
    "clocks and chance": "clock_gettime clock_getres gettimeofday time getrandom",
}
# Calls that fail with EPERM: those that an attack might use. A worker for a GPU may not make them either.
REFUSED: dict[str, str] = {
    "networks": "socket connect accept accept4 bind listen setsockopt socketcall",
    "other processes": (
        "ptrace process_vm_readv process_vm_writev kcmp pidfd_open pidfd_send_signal pidfd_getfd process_madvise"
        " process_mrelease tkill rt_sigqueueinfo rt_tgsigqueueinfo setpgid setsid"
    ),
    "programs and processes": "execve execveat fork vfork",
    "namespaces and mounts": (
        "unshare setns mount umount umount2 pivot_root chroot open_tree open_tree_attr move_mount mount_setattr fsopen"
        " fsconfig fsmount fspick statmount listmount"
    ),
    # Landlock does not cover these calls. For them, the kernel checks the owner of a file, not the right to write it.
    "owners, modes, times and attributes of files": (
        "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat"
        " utimensat_time64 setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat"
        " getxattr lgetxattr fgetxattr getxattrat listxattr llistxattr flistxattr listxattrat truncate truncate64"
        " mknod mknodat file_getattr file_setattr"
    ),
    "watching files": "inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_init fanotify_mark",
    "kernel interfaces": (
        "bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register io_setup io_submit keyctl"
        " add_key request_key open_by_handle_at name_to_handle_at quotactl quotactl_fd init_module finit_module"
        " delete_module kexec_load kexec_file_load reboot swapon swapoff acct syslog vhangup personality iopl ioperm"
        " modify_ldt lookup_dcookie seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self sync"
        " syncfs sync_file_range nfsservctl uselib"
    ),
    "memory that outlives its owner or escapes its limits": (
        "memfd_create memfd_secret shmget shmat shmdt shmctl msgget msgsnd msgrcv msgctl semget semop semctl mq_open"
        " mq_unlink mlock mlock2 mlockall vmsplice remap_file_pages"
    ),
    "somebody else's share of the machine": (
        "sched_setaffinity sched_setscheduler sched_setparam sched_setattr setpriority ioprio_set migrate_pages"
        " move_pages mbind set_mempolicy set_mempolicy_home_node"
    ),
    "who it is": "setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset",
    "clocks and names": "settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname stime",
}
# ioctl(2) on an open descriptor: is it a terminal, its width, bytes to read, blocking mode, close on exec.
IOCTL_ALLOWED = (0x5401, 0x5413, 0x540F, 0x541B, 0x5421, 0x5450, 0x5451)
TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: type into the grader's terminal
# fcntl(2): signals to others (F_SETOWN, F_SETSIG, F_SETOWN_EX), leases, watching folders, large pipes.
FCNTL_REFUSED = (8, 10, 15, 1024, 1026, 1031)
# prctl(2): names of threads and of memory, and queries. PR_SET_PDEATHSIG is not allowed.
PRCTL_ALLOWED = (3, 15, 16, 21, 23, 29, 30, 39, 42, 0x5356_4D41)
