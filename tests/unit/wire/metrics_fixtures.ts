/**
 * Recorded on Linux 6.18 with cgroup v1: the Any of Tasks/Metrics for a paused container that had a limit of 32 MiB, a CPU
 * quota of 30 %, had filled the page cache, and had one child killed for want of memory; and the files of its control
 * groups, read while it was paused.
 */
export interface RecordedMetrics {
  /** Which containerd and shim. */
  readonly version: string;
  /** `io.containerd.cgroups.v1.Metrics`, in hexadecimal. */
  readonly hex: string;
  readonly files: Readonly<Record<RecordedFile, number>>;
}

type RecordedFile =
  | "cpuacct.usage"
  | "cpuacct.stat user"
  | "cpuacct.stat system"
  | "nr_periods"
  | "nr_throttled"
  | "throttled_time"
  | "memory.usage_in_bytes"
  | "memory.max_usage_in_bytes"
  | "memory.limit_in_bytes"
  | "memory.memsw.usage_in_bytes"
  | "total_inactive_file"
  | "oom_kill"
  | "pids.current";

export const recorded: readonly RecordedMetrics[] = [
  {
    version: "1.6.20",
    hex: "120208011a2a0a1c08d9abc3f9041080b48913188080ade20422099988b12cc0a392cd04120a082e102b18b0dd9f960b" +
      "229c010880a0f4051080c00338ed4d409c4748fd495880c0036880a0f405800180808010880180e0ffffffffffff7f90" +
      "0180a0f405980180c003c001ed4dc8019c47d001fd49e00180c003f00180a0f4058a021208808080101080c09b061880" +
      "8080102086019202140880e0ffffffffffff7f1080c09b0618808090109a02120880e0ffffffffffff7f1080800f1880" +
      "803ba2020a0880e0ffffffffffff7f2a004a021801",
    files: {
      "cpuacct.usage": 1328600537,
      "cpuacct.stat user": 128,
      "cpuacct.stat system": 4,
      nr_periods: 46,
      nr_throttled: 43,
      throttled_time: 2999447216,
      "memory.usage_in_bytes": 13033472,
      "memory.max_usage_in_bytes": 33554432,
      "memory.limit_in_bytes": 33554432,
      "memory.memsw.usage_in_bytes": 13033472,
      total_inactive_file: 12390400,
      oom_kill: 1,
      "pids.current": 1,
    },
  },
  {
    version: "1.7.24",
    hex: "120208011a2a0a1c088bb1ced0041080e1eb171880bed5b2042209acf68701dfbac6cf04120a082b102918eba2fdbd0a" +
      "229b0108808080061080c00338984d40a5464897495880c0036880808006800180808010880180e0ffffffffffff7f90" +
      "0180808006980180c003c001984dc801a546d0019749e00180c003f001808080068a021108808080101080c0a7061880" +
      "808010207f9202140880e0ffffffffffff7f1080c0a70618808090109a02120880e0ffffffffffff7f1080a00f1880e0" +
      "36a2020a0880e0ffffffffffff7f2a004a021801",
    files: {
      "cpuacct.usage": 1242798219,
      "cpuacct.stat user": 118,
      "cpuacct.stat system": 5,
      nr_periods: 43,
      nr_throttled: 41,
      throttled_time: 2814333291,
      "memory.usage_in_bytes": 13230080,
      "memory.max_usage_in_bytes": 33554432,
      "memory.limit_in_bytes": 33554432,
      "memory.memsw.usage_in_bytes": 13230080,
      total_inactive_file: 12582912,
      oom_kill: 1,
      "pids.current": 1,
    },
  },
  {
    version: "2.1.9",
    hex: "120208011a2a0a1c08cbacc7de041080b489131880f2dec5042209a3efc703a8bdffda04120a082d102a189ebeece90a" +
      "229c010880c0fb051080c00338e84d408c47488b4a5880c0036880c0fb05800180808010880180e0ffffffffffff7f90" +
      "0180c0fb05980180c003c001e84dc8018c47d0018b4ae00180c003f00180c0fb058a021208808080101080a0a3061880" +
      "8080102085019202140880e0ffffffffffff7f1080a0a30618808090109a02120880e0ffffffffffff7f1080a00f1880" +
      "c03aa2020a0880e0ffffffffffff7f2a004a021801",
    files: {
      "cpuacct.usage": 1272043083,
      "cpuacct.stat user": 122,
      "cpuacct.stat system": 4,
      nr_periods: 45,
      nr_throttled: 42,
      throttled_time: 2906332958,
      "memory.usage_in_bytes": 13160448,
      "memory.max_usage_in_bytes": 33554432,
      "memory.limit_in_bytes": 33554432,
      "memory.memsw.usage_in_bytes": 13160448,
      total_inactive_file: 12509184,
      oom_kill: 1,
      "pids.current": 1,
    },
  },
];

/**
 * `io.containerd.cgroups.v2.Metrics` as protoc encodes it from the message of containerd/cgroups v3 with all its fields
 * (parts that gantry does not read included), for a container with limits that has been throttled, has swapped, and has
 * lost one process; 2^64 - 1 is the `max` of pids and huge pages.
 */
export const encodedV2: string =
  "0a0d080310ffffffffffffffffff01126408ccccfe16108391901318c9bbee0320b00928b80230e793ba073a440a2009" +
  "0000000000002940110000000000802040198fc2f5285c8f044020e1caf76d1220090000000000002440110000000000" +
  "001a4019000000000000f83f20d4c0944b4002480722720880808014108080801e1880800320808040588080c0136080" +
  "8040688080801970808080059001e2c80598011180028080e0328802808080800190028080800298028080808001a002" +
  "80808060a8028080c002b2021c0a1509000000000000e03f11000000000000d03f20b009120320840732280a1108fe01" +
  "188080c0032080808006285a301f0a0908081010188020280112080a02202c120220283a1010ffffffffffffffffff01" +
  "1a03324d42420810051851200228014a080a04657468301009";

/** The same without limits, as a shim without PSI sends it on a kernel without memory.peak and without swap. */
export const encodedOldV2: string =
  "0a0d080110ffffffffffffffffff0112060878106418142213088020800280408802ffffffffffffffffff0132004200";
