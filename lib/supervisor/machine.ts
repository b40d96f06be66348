/**
 * What a supervisor does next: pure, so that every pair of state and event can be tested. `supervisor.ts` turns effects
 * into processes and timers, and their outcomes back into events.
 */

/** Where the supervisor is. */
export type SupervisorState =
  /** Nothing has been asked yet. */
  | { readonly name: "down" }
  /** Looking for a containerd to adopt, or spawning one. */
  | { readonly name: "launching"; readonly first: boolean }
  /** containerd runs and does not serve yet. */
  | { readonly name: "starting"; readonly first: boolean; readonly adopted: boolean }
  /** containerd serves; `failures` health checks in a row have failed. */
  | { readonly name: "serving"; readonly adopted: boolean; readonly failures: number }
  /** containerd hangs and is being ended. */
  | { readonly name: "replacing"; readonly first: boolean; readonly reason: string }
  /** The first start has failed, and what it left is being ended. */
  | { readonly name: "failing"; readonly reason: string }
  /** There is no containerd: salvage, then the wait before the next start. */
  | { readonly name: "recovering"; readonly first: boolean; readonly reason: string }
  /** Somebody asked for the end; `waitsFor` what still has to happen. */
  | { readonly name: "stopping"; readonly waitsFor: "launch" | "exit" }
  | { readonly name: "ended"; readonly end: EndReason };

/** Why a supervisor has ended. */
export type EndReason =
  | { readonly reason: "stopped" }
  | { readonly reason: "start_failed"; readonly why: string }
  | { readonly reason: "restart_limit"; readonly why: string };

/** What can happen. */
export type SupervisorEvent =
  | { readonly type: "start" }
  | { readonly type: "stop" }
  /** A containerd runs, adopted or new. */
  | { readonly type: "launched"; readonly adopted: boolean }
  | { readonly type: "launch_failed"; readonly why: string }
  /** It answers, and all it needs works. */
  | { readonly type: "ready" }
  /** It will not be ready: no progress in time, or a required plugin in error. */
  | { readonly type: "stalled"; readonly why: string }
  | { readonly type: "healthy" }
  | { readonly type: "unhealthy"; readonly why: string; readonly limit: number }
  /** Its process is gone. */
  | { readonly type: "exited"; readonly why: string }
  /** Salvage is done and the wait is over. */
  | { readonly type: "recovered" }
  | { readonly type: "limit_reached"; readonly why: string };

/** What to do. */
export type Effect =
  | { readonly type: "launch"; readonly first: boolean }
  | { readonly type: "await_ready" }
  /** Says that containerd serves, and checks its health from now on. */
  | { readonly type: "serve" }
  /** Writes a hang report, then ends containerd: TERM, stop timeout, KILL. */
  | { readonly type: "replace"; readonly reason: string }
  /** Ends containerd: TERM, stop timeout, KILL. */
  | { readonly type: "terminate" }
  | { readonly type: "recover"; readonly reason: string }
  /** Ends whatever was begun for this life of containerd: launch, readiness, health checks, waiting. */
  | { readonly type: "cancel" }
  /** Removes what only a running instance has, and lets go of the lock. */
  | { readonly type: "finish"; readonly end: EndReason };

/** The next state and what to do on the way. */
export interface Transition {
  readonly state: SupervisorState;
  readonly effects: readonly Effect[];
}

export type StateName = SupervisorState["name"];
export type EventType = SupervisorEvent["type"];

type States = { readonly [N in StateName]: Extract<SupervisorState, { name: N }> };
type Events = { readonly [T in EventType]: Extract<SupervisorEvent, { type: T }> };
/** What a pair of state and event leads to; undefined for an event that comes too late to matter. */
type Cell<N extends StateName, T extends EventType> = (state: States[N], event: Events[T]) => Transition | undefined;
type Row<N extends StateName> = { readonly [T in EventType]: Cell<N, T> };

const stopped: EndReason = { reason: "stopped" };

// Every pair stands here: the compiler refuses a table with a hole.
const table: { readonly [N in StateName]: Row<N> } = {
  down: {
    start: () => to({ name: "launching", first: true }, { type: "launch", first: true }),
    stop: () => ended(stopped),
    launched: impossible,
    launch_failed: impossible,
    ready: impossible,
    stalled: impossible,
    healthy: impossible,
    unhealthy: impossible,
    exited: impossible,
    recovered: impossible,
    limit_reached: impossible,
  },
  launching: {
    start: impossible,
    stop: () => to({ name: "stopping", waitsFor: "launch" }, { type: "cancel" }),
    launched: ({ first }, { adopted }) => to({ name: "starting", first, adopted }, { type: "await_ready" }),
    launch_failed: ({ first }, { why }) => first ? ended({ reason: "start_failed", why }) : recovering(false, why),
    ready: impossible,
    stalled: impossible,
    healthy: impossible,
    unhealthy: impossible,
    exited: impossible,
    recovered: impossible,
    limit_reached: impossible,
  },
  starting: {
    start: impossible,
    stop: () => stoppingByTerm(),
    launched: impossible,
    launch_failed: impossible,
    ready: (state) => to({ name: "serving", adopted: state.adopted, failures: 0 }, { type: "serve" }),
    // One that was adopted and does not answer is replaced: the start has not been tried yet.
    stalled: ({ first, adopted }, { why }) =>
      first && !adopted
        ? to({ name: "failing", reason: why }, { type: "replace", reason: why })
        : to({ name: "replacing", first, reason: why }, { type: "replace", reason: why }),
    healthy: impossible,
    unhealthy: impossible,
    exited: ({ first, adopted }, { why }) =>
      first && !adopted ? ended({ reason: "start_failed", why }) : recovering(first, why),
    recovered: impossible,
    limit_reached: impossible,
  },
  serving: {
    start: impossible,
    stop: () => stoppingByTerm(),
    launched: impossible,
    launch_failed: impossible,
    ready: impossible,
    stalled: impossible,
    healthy: (state) => to({ ...state, failures: 0 }),
    unhealthy: (state, { why, limit }) => {
      const failures = state.failures + 1;
      if (failures < limit) return to({ ...state, failures });
      const reason = `${failures} health checks in a row failed: ${why}`;
      return to({ name: "replacing", first: false, reason }, { type: "cancel" }, { type: "replace", reason });
    },
    exited: (_, { why }) => recovering(false, why),
    recovered: impossible,
    limit_reached: impossible,
  },
  replacing: {
    start: impossible,
    // TERM and KILL are under way already.
    stop: () => to({ name: "stopping", waitsFor: "exit" }),
    launched: impossible,
    launch_failed: impossible,
    ready: ignored,
    stalled: ignored,
    healthy: ignored,
    unhealthy: ignored,
    exited: ({ first, reason }) => recovering(first, reason),
    recovered: impossible,
    limit_reached: impossible,
  },
  failing: {
    start: impossible,
    // It ends anyway, and why it failed is worth more than that it was stopped.
    stop: ignored,
    launched: impossible,
    launch_failed: impossible,
    ready: ignored,
    stalled: ignored,
    healthy: ignored,
    unhealthy: ignored,
    exited: ({ reason }) => ended({ reason: "start_failed", why: reason }),
    recovered: impossible,
    limit_reached: impossible,
  },
  recovering: {
    start: impossible,
    stop: () => ended(stopped),
    launched: impossible,
    launch_failed: impossible,
    ready: impossible,
    stalled: impossible,
    healthy: impossible,
    unhealthy: impossible,
    exited: impossible,
    recovered: ({ first }) => to({ name: "launching", first }, { type: "launch", first }),
    limit_reached: (_, { why }) => ended({ reason: "restart_limit", why }),
  },
  stopping: {
    start: impossible,
    stop: ignored,
    launched: () => to({ name: "stopping", waitsFor: "exit" }, { type: "terminate" }),
    launch_failed: () => ended(stopped),
    ready: ignored,
    stalled: ignored,
    healthy: ignored,
    unhealthy: ignored,
    exited: () => ended(stopped),
    recovered: ignored,
    limit_reached: ignored,
  },
  ended: {
    start: impossible,
    stop: ignored,
    launched: impossible,
    launch_failed: ignored,
    ready: ignored,
    stalled: ignored,
    healthy: ignored,
    unhealthy: ignored,
    exited: ignored,
    recovered: ignored,
    limit_reached: ignored,
  },
};

/** Where `event` leads from `state`. A pair that cannot be is a TypeError. */
export function transition(state: SupervisorState, event: SupervisorEvent): Transition {
  return apply({ name: state.name, type: event.type }, { state, event }) ?? { state, effects: [] };
}

/** The cell of one pair, called with that pair: generic, so that the compiler sees that they belong together. */
function apply<N extends StateName, T extends EventType>(
  { name, type }: { readonly name: N; readonly type: T },
  { state, event }: { readonly state: States[N]; readonly event: Events[T] },
): Transition | undefined {
  const row: Row<N> = table[name];
  const cell: Cell<N, T> = row[type];
  return cell(state, event);
}

function ignored(): undefined {
  return undefined;
}

function impossible(state: SupervisorState, event: SupervisorEvent): never {
  throw new TypeError(`${event.type} cannot happen while ${state.name}`);
}

function to(state: SupervisorState, ...effects: readonly Effect[]): Transition {
  return { state, effects };
}

function recovering(first: boolean, reason: string): Transition {
  return to({ name: "recovering", first, reason }, { type: "cancel" }, { type: "recover", reason });
}

function stoppingByTerm(): Transition {
  return to({ name: "stopping", waitsFor: "exit" }, { type: "cancel" }, { type: "terminate" });
}

function ended(end: EndReason): Transition {
  return to({ name: "ended", end }, { type: "cancel" }, { type: "finish", end });
}
