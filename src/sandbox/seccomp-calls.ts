/** Machines there is a filter for, as `process.arch` names them. */
export type FilterArch = 'x64' | 'arm64'

/** Numbers of the system calls a filter speaks about; linux/audit.h gives the value of `machine`. */
export interface CallTable {
  readonly machine: number
  /** x86-64 alone: calls of its 32-bit-pointer variant start here. */
  readonly variant_from?: number
  readonly clone: number
  readonly ioctl: number
  readonly socket: number
  readonly socketpair: number
  /** Calls that set the mode of a file, with the place of the mode among their arguments. */
  readonly modes: { readonly [call: string]: readonly [number: number, mode: number] }
  /** Calls that may make a file, with the places of flags and mode. */
  readonly opens: { readonly [call: string]: readonly [number: number, flags: number, mode: number] }
  /** Refused with EPERM, whatever is asked. */
  readonly denied: { readonly [call: string]: number }
}

/** Calls as new as these have the same number everywhere. */
const COMMON = {
  pidfd_getfd: 438,
  process_madvise: 440,
  process_mrelease: 448,
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  mount_setattr: 442,
  quotactl_fd: 443,
  open_tree_attr: 467,
} as const

/** These hide their flags from a filter (clone3, openat2): programs that find them missing use the older ones. */
export const HIDING: readonly number[] = [435, 437]

export const CALLS: { readonly [A in FilterArch]: CallTable } = {
  x64: {
    machine: 0xc000003e,
    variant_from: 0x40000000,
    clone: 56,
    ioctl: 16,
    socket: 41,
    socketpair: 53,
    modes: {
      chmod: [90, 1],
      fchmod: [91, 1],
      fchmodat: [268, 2],
      fchmodat2: [452, 2],
      creat: [85, 1],
      mknod: [133, 1],
      mknodat: [259, 2],
    },
    opens: { open: [2, 1, 2], openat: [257, 2, 3] },
    denied: {
      ...COMMON,
      ptrace: 101,
      process_vm_readv: 310,
      process_vm_writev: 311,
      kcmp: 312,
      add_key: 248,
      request_key: 249,
      keyctl: 250,
      bpf: 321,
      perf_event_open: 298,
      userfaultfd: 323,
      unshare: 272,
      setns: 308,
      mount: 165,
      umount2: 166,
      pivot_root: 155,
      chroot: 161,
      name_to_handle_at: 303,
      open_by_handle_at: 304,
      lookup_dcookie: 212,
      fanotify_init: 300,
      quotactl: 179,
      swapon: 167,
      swapoff: 168,
      acct: 163,
      syslog: 103,
      reboot: 169,
      kexec_load: 246,
      kexec_file_load: 320,
      create_module: 174,
      init_module: 175,
      delete_module: 176,
      finit_module: 313,
      iopl: 172,
      ioperm: 173,
      modify_ldt: 154,
      uselib: 134,
      sysfs: 139,
      vhangup: 153,
      nfsservctl: 180,
      settimeofday: 164,
      adjtimex: 159,
      clock_settime: 227,
      clock_adjtime: 305,
      sethostname: 170,
      setdomainname: 171,
      migrate_pages: 256,
      move_pages: 279,
    },
  },
  arm64: {
    machine: 0xc00000b7,
    clone: 220,
    ioctl: 29,
    socket: 198,
    socketpair: 199,
    modes: { fchmod: [52, 1], fchmodat: [53, 2], fchmodat2: [452, 2], mknodat: [33, 2] },
    opens: { openat: [56, 2, 3] },
    denied: {
      ...COMMON,
      ptrace: 117,
      process_vm_readv: 270,
      process_vm_writev: 271,
      kcmp: 272,
      add_key: 217,
      request_key: 218,
      keyctl: 219,
      bpf: 280,
      perf_event_open: 241,
      userfaultfd: 282,
      unshare: 97,
      setns: 268,
      mount: 40,
      umount2: 39,
      pivot_root: 41,
      chroot: 51,
      name_to_handle_at: 264,
      open_by_handle_at: 265,
      lookup_dcookie: 18,
      fanotify_init: 262,
      quotactl: 60,
      swapon: 224,
      swapoff: 225,
      acct: 89,
      syslog: 116,
      reboot: 142,
      kexec_load: 104,
      kexec_file_load: 294,
      init_module: 105,
      delete_module: 106,
      finit_module: 273,
      vhangup: 58,
      nfsservctl: 42,
      settimeofday: 170,
      adjtimex: 171,
      clock_settime: 112,
      clock_adjtime: 266,
      sethostname: 161,
      setdomainname: 162,
      migrate_pages: 238,
      move_pages: 239,
    },
  },
}
