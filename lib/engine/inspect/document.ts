/**
 * What `gantry inspect` shows of a container, with the keys and the spelling of `docker inspect` (API 1.51), so that
 * scripts and templates written for docker work. Where docker has null for an empty list, so has this. Docker's keys for
 * what gantry does not have, or does not keep, are left out.
 */

import type { ContainerConfig } from "./config_document.ts";
import type { HostConfig } from "./host_config_document.ts";

/** A container in full. */
export interface ContainerDocument {
  /** 64 hex digits, or what another client chose. */
  readonly Id: string;
  /** RFC 3339. */
  readonly Created: string;
  /** The program, which is the first of argv. */
  readonly Path: string;
  /** The rest of argv. */
  readonly Args: readonly string[];
  /** What it is doing. */
  readonly State: StateDocument;
  /** Image reference, or the directory it was made from. */
  readonly Image: string;
  /** Files on the host that the container has in its place of these; empty for none. */
  readonly ResolvConfPath: string;
  /** Likewise. */
  readonly HostnamePath: string;
  /** Likewise. */
  readonly HostsPath: string;
  /** Its stdout on disk; empty for none. */
  readonly LogPath: string;
  /** With a slash in front. */
  readonly Name: string;
  /** How often it was started again after it had ended. */
  readonly RestartCount: number;
  /** As in {@link GraphDriverDocument}. */
  readonly Driver: string;
  /** Always Linux. */
  readonly Platform: "linux";
  /** SELinux label of its mounts. */
  readonly MountLabel: string;
  /** SELinux label of its process. */
  readonly ProcessLabel: string;
  /** Its AppArmor profile; empty for none. */
  readonly AppArmorProfile: string;
  /** Execs that run in it. */
  readonly ExecIDs: readonly string[] | null;
  /** What the host gives it and keeps from it. */
  readonly HostConfig: HostConfig;
  /** Its root filesystem. */
  readonly GraphDriver: GraphDriverDocument;
  /** What the user mounted. */
  readonly Mounts: readonly MountDocument[];
  /** What it runs. */
  readonly Config: ContainerConfig;
  /** Its networks. */
  readonly NetworkSettings: NetworkDocument;
  /** What docker has no place for. */
  readonly Gantry: GantryDocument;
}

/** docker's words for what a container is doing; `unknown` when its shim does not answer. */
export type DockerStatus = "created" | "running" | "paused" | "exited" | "unknown";

/** What the container is doing. */
export interface StateDocument {
  /** In docker's words. */
  readonly Status: DockerStatus;
  /** Also while it is paused, as in docker. */
  readonly Running: boolean;
  /** True when it is frozen. */
  readonly Paused: boolean;
  /** Always false. */
  readonly Restarting: boolean;
  /** True when the kernel ended it for want of memory. */
  readonly OOMKilled: boolean;
  /** Always false. */
  readonly Dead: boolean;
  /** 0 unless it runs. */
  readonly Pid: number;
  /** 0 also while it runs. */
  readonly ExitCode: number;
  /** False when code or time of the end had to be inferred (its shim was lost); undefined unless it has ended. */
  readonly ExitExact?: boolean | undefined;
  /** Why it could not be started; empty for no such thing. */
  readonly Error: string;
  /** RFC 3339; year 1 when it never started or the time is not known. */
  readonly StartedAt: string;
  /** RFC 3339; year 1 while it runs. */
  readonly FinishedAt: string;
}

/** How its root filesystem is made. */
export interface GraphDriverDocument {
  /** `overlay` for a throw-away overlay, `directory` for a directory used as it is; empty when another client made it. */
  readonly Name: string;
  /** Directories it is made of. */
  readonly Data: Readonly<Record<string, string>> | null;
}

/** A mount the user asked for. */
export interface MountDocument {
  /** What is mounted. */
  readonly Type: "bind" | "tmpfs";
  /** Path on the host; empty for tmpfs. */
  readonly Source: string;
  /** Path in the container. */
  readonly Destination: string;
  /** Options, joined with commas. */
  readonly Mode: string;
  /** Writable. */
  readonly RW: boolean;
  /** Propagation of mounts; empty for tmpfs. */
  readonly Propagation: string;
}

/** Its networks. */
export interface NetworkDocument {
  /** Path of its network namespace; empty unless it runs. */
  readonly SandboxKey: string;
  /** Always empty. */
  readonly Ports: Readonly<Record<string, never>>;
  /** By name: `none`, or `host`. */
  readonly Networks: Readonly<Record<string, EndpointDocument>>;
}

/** Its place in a network. */
export interface EndpointDocument {
  /** Empty: gantry gives none. */
  readonly IPAddress: string;
  /** Likewise. */
  readonly Gateway: string;
  /** Likewise. */
  readonly MacAddress: string;
}

/** What gantry adds. */
export interface GantryDocument {
  /** containerd's namespace. */
  readonly Namespace: string;
  /** containerd's name of the runtime. */
  readonly Runtime: string;
  /** containerd's socket. */
  readonly Socket: string;
  /** Directory of the OCI bundle; undefined unless it runs. */
  readonly Bundle?: string | undefined;
  /** Path of its cgroup, as in the spec. */
  readonly CgroupsPath: string;
  /** Directory of its logs and overlay; undefined when another client made it. */
  readonly DataDir?: string | undefined;
  /** Its stderr on disk; undefined for none. */
  readonly ErrorLogPath?: string | undefined;
}
