import { EventsDefinition, type ForwardRequest } from "../../proto/gen/events/forward.ts";
import { messageOf } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import { methodOf } from "../rpc/transport.ts";
import { answer, serveTtrpc } from "../rpc/ttrpc_server.ts";
import { decodeTaskEvent, type TaskEvent } from "../wire/task_event.ts";
import { toMillis } from "../wire/timestamp.ts";

const log = getLogger("shim");

const forward = methodOf(EventsDefinition, EventsDefinition.methods.forward);

/** An event as a shim told it. */
export interface ShimEvent extends TaskEvent {
  readonly namespace: string;
  /** E.g. `/tasks/exit`. */
  readonly topic: string;
  /** When the shim saw it, milliseconds since 1970. Later ones may have come before. */
  readonly at: number;
}

/** Options of {@link serveShimEvents}. */
export interface EventServerOptions {
  /**
   * Called for each event, after the shim has been answered; what it throws is logged only. Events are hints: a shim tries
   * for about 15 s and then drops one, they come out of order, and sometimes twice. State and Wait are the truth.
   */
  readonly onEvent: (event: ShimEvent) => void;
  /** How many events are remembered to tell a repetition; default 4096. */
  readonly rememberedEvents?: number | undefined;
}

/** Takes the events of shims that were started with its path. */
export interface ShimEventServer extends AsyncDisposable {
  readonly path: string;
  /** How many events came twice. */
  readonly repetitions: number;
}

/**
 * Listens for events at `path`, also right after another server there has died. When it is closed the socket's file stays,
 * dead: a shim is then refused at once, where it would try for 5 s to find a missing one, event after event, and stop
 * answering its other calls when 128 are waiting.
 */
export async function serveShimEvents(path: string, options: EventServerOptions): Promise<ShimEventServer> {
  const memory = new EventMemory(options.rememberedEvents ?? 4096);
  const route = answer(forward, (request) => {
    const event = eventOf(request);
    if (event !== undefined && memory.isNew(request)) queueMicrotask(() => tell(event, options));
    // At once: a shim waits 5 s for the answer, with all its later events behind.
    return {};
  });
  const server = await serveTtrpc(path, { routes: [route], leaveSocket: true });
  return {
    path,
    get repetitions() {
      return memory.repetitions;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Undefined for what is none of a task: it is answered all the same, or the shim would send it again. */
function eventOf({ envelope }: ForwardRequest): ShimEvent | undefined {
  if (envelope?.event === undefined) return undefined;
  const { namespace, topic, timestamp, event } = envelope;
  try {
    const decoded = decodeTaskEvent(event);
    return decoded === undefined ? undefined : { ...decoded, namespace, topic, at: toMillis(timestamp) ?? 0 };
  } catch (error) {
    log.warning("a shim sent an event that cannot be read", { topic, error: messageOf(error) });
    return undefined;
  }
}

function tell(event: ShimEvent, { onEvent }: EventServerOptions): void {
  try {
    onEvent(event);
  } catch (error) {
    log.error("an event of a shim was not handled", { topic: event.topic, id: event.containerId, error });
  }
}

/** The last events, by all that is in them: a repetition is the same to the nanosecond. */
class EventMemory {
  repetitions = 0;
  readonly #seen = new Set<string>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  isNew({ envelope }: ForwardRequest): boolean {
    const { seconds = 0n, nanos = 0 } = envelope?.timestamp ?? {};
    const content = envelope?.event?.value.toHex() ?? "";
    const key = `${seconds}.${nanos} ${envelope?.namespace} ${envelope?.topic} ${content}`;
    if (this.#seen.has(key)) {
      this.repetitions++;
      return false;
    }
    this.#seen.add(key);
    // A set keeps the order of insertion: the first is the oldest.
    const [oldest] = this.#seen;
    if (this.#seen.size > this.#capacity && oldest !== undefined) this.#seen.delete(oldest);
    return true;
  }
}
