/**
 * Which system calls docker's default profile lets a container make, by topic. The names are those of libseccomp for all
 * architectures together; a runtime skips those its libseccomp or the architecture does not know.
 *
 * What is missing is missing on purpose: io_uring (docker blocks it since 25.0 for its history of escapes), userfaultfd,
 * keyctl, kexec, swapon, mount and namespaces without CAP_SYS_ADMIN, and everything obsolete.
 */

/** Allowed for every container, by topic. */
const callsByTopic: Readonly<Record<string, string>> = {
  "files: open, close, position": `
    open openat openat2 creat close close_range lseek _llseek dup dup2 dup3 fcntl fcntl64 ioctl flock
  `,
  "files: data": `
    read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 sendfile sendfile64 copy_file_range
    splice tee vmsplice truncate truncate64 ftruncate ftruncate64 fallocate fadvise64 fadvise64_64 readahead cachestat
    sync syncfs fsync fdatasync sync_file_range
  `,
  "files: names, attributes, directories": `
    access faccessat faccessat2 stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs statfs64
    fstatfs fstatfs64 getdents getdents64 getcwd chdir fchdir mkdir mkdirat rmdir mknod mknodat link linkat symlink
    symlinkat readlink readlinkat rename renameat renameat2 unlink unlinkat name_to_handle_at chmod fchmod fchmodat
    fchmodat2 chown chown32 fchown fchown32 fchownat lchown lchown32 umask utime utimes futimesat utimensat
    utimensat_time64 getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr
    llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat
  `,
  "what is mounted, to read only": `
    listmount statmount
  `,
  "watching files": `
    inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark
  `,
  "pipes, events, waiting": `
    pipe pipe2 eventfd eventfd2 signalfd signalfd4 select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64
    epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2
  `,
  "asynchronous input and output (the old kind)": `
    io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set
  `,
  "sockets; socket(2) itself has conditions": `
    socketcall socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt
    send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64
  `,
  "memory": `
    brk mmap mmap2 munmap mremap mprotect mseal madvise mincore msync mlock mlock2 mlockall munlock munlockall
    remap_file_pages membarrier memfd_create memfd_secret map_shadow_stack pkey_alloc pkey_free pkey_mprotect
  `,
  "System V and POSIX interprocess communication": `
    ipc shmget shmat shmctl shmdt semget semctl semop semtimedop semtimedop_time64 msgget msgctl msgrcv msgsnd mq_open
    mq_unlink mq_notify mq_getsetattr mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64
  `,
  "processes and threads; clone has conditions": `
    fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid getpgid getpgrp setpgid
    getsid setsid set_tid_address set_robust_list get_robust_list set_thread_area get_thread_area rseq uretprobe
    pidfd_open pidfd_send_signal process_mrelease prctl getcpu restart_syscall futex futex_time64 futex_wait
    futex_waitv futex_wake futex_requeue
  `,
  "signals": `
    kill tkill tgkill pause sigaltstack sigprocmask sigreturn rt_sigaction rt_sigpending rt_sigprocmask
    rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
  `,
  "scheduling and limits": `
    sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam
    sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval
    sched_rr_get_interval_time64 getpriority setpriority getrlimit setrlimit ugetrlimit prlimit64 getrusage times
  `,
  "users, groups, capabilities, sandboxes": `
    getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32
    getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid
    setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget capset
    seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
  `,
  "time; the calls that set the clock need CAP_SYS_TIME, adjtimex and clock_adjtime ask the kernel for it": `
    time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep
    clock_nanosleep_time64 clock_adjtime clock_adjtime64 adjtimex nanosleep alarm getitimer setitimer timer_create
    timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create
    timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64
  `,
  "the system": `
    uname sysinfo getrandom riscv_hwprobe
  `,
};

/** Allowed for every container. */
export const ordinaryCalls: readonly string[] = Object.values(callsByTopic).flatMap(words);

/** Safe since Linux 4.8, where seccomp checks a call again after its tracer changed it; before, with CAP_SYS_PTRACE. */
export const tracingCalls: readonly string[] = words("ptrace process_vm_readv process_vm_writev");

/** Allowed when the container's bounding set has the capability; most fail in the kernel without it anyway. */
export const callsByCapability: Readonly<Record<string, readonly string[]>> = {
  CAP_BPF: words("bpf"),
  CAP_DAC_READ_SEARCH: words("open_by_handle_at"),
  CAP_PERFMON: words("perf_event_open"),
  CAP_SYS_ADMIN: words(`
    bpf clone clone3 unshare setns mount mount_setattr move_mount open_tree fsopen fsconfig fsmount fspick umount
    umount2 fanotify_init lookup_dcookie lsm_get_self_attr lsm_list_modules lsm_set_self_attr perf_event_open quotactl
    quotactl_fd setdomainname sethostname syslog
  `),
  CAP_SYS_BOOT: words("reboot"),
  CAP_SYS_CHROOT: words("chroot"),
  CAP_SYS_MODULE: words("init_module finit_module delete_module"),
  CAP_SYS_NICE: words("get_mempolicy set_mempolicy set_mempolicy_home_node mbind"),
  CAP_SYS_PACCT: words("acct"),
  CAP_SYS_PTRACE: words("ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp"),
  CAP_SYS_RAWIO: words("iopl ioperm"),
  CAP_SYS_TIME: words("clock_settime clock_settime64 settimeofday stime"),
  CAP_SYS_TTY_CONFIG: words("vhangup"),
  CAP_SYSLOG: words("syslog"),
};

/** Allowed on one architecture, by seccomp's name of it. */
export const callsByArchitecture: Readonly<Record<string, readonly string[]>> = {
  amd64: words("arch_prctl modify_ldt"),
  arm64: words("arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls"),
};

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
