// The call center as the broker tells it: each retained message by its topic, nothing derived. Knows neither page nor
// connection.

import type { Agent, BridgeAsterisk, Queue, Session } from "./payloads";
import { ServerTime } from "./servertime";
import { decodeLevel, parseTopic } from "./topics";

/** One Asterisk with its gateway. The keys of the maps are topics. */
export class Node {
  readonly name: string;
  readonly time = new ServerTime();
  readonly agents = new Map<string, Agent>();
  readonly sessions = new Map<string, Session>();
  readonly queues = new Map<string, Queue>();
  state: "online" | "offline" | null = null;
  asterisk: BridgeAsterisk | null = null;
  /** Since when this picture is not current, milliseconds of the browser's clock; null while it is. */
  staleSince: number | null;

  constructor(
    readonly level: string,
    at: number,
  ) {
    this.name = decodeLevel(level);
    this.staleSince = at;
  }

  get isCurrent(): boolean {
    return this.staleSince === null;
  }

  /** The gateway's time; it stands still while the picture is not current. */
  now(at: number): number {
    return this.time.at(this.staleSince ?? at);
  }

  get isEmpty(): boolean {
    return this.state === null && this.asterisk === null && this.agents.size + this.sessions.size + this.queues.size === 0;
  }
}

interface Arrival {
  payload: string;
  replayed: boolean;
  at: number;
}

export class Center {
  readonly nodes = new Map<string, Node>();
  /** Topics of the agents, and of the agents whose sessions, changed since the last look. */
  readonly touched = new Set<string>();
  private connected = false;
  private readonly arrived = new Map<string, Arrival>();
  private unconfirmed = new Set<string>();

  constructor(private readonly prefix: string) {}

  /** A message came. `replayed`: it was retained, so that it says nothing of the gateway's clock. */
  receive(topic: string, payload: string, replayed: boolean, at: number): void {
    this.unconfirmed.delete(topic);
    this.arrived.set(topic, { payload, replayed, at }); // a state, whole: the one before it need not be read any more
  }

  /** Read what came since the last time. */
  takeIn(): void {
    for (const [topic, arrival] of this.arrived) this.read(topic, arrival);
    this.arrived.clear();
  }

  private read(topic: string, { payload, replayed, at }: Arrival): void {
    const place = parseTopic(this.prefix, topic);
    if (place === null) return;
    const node = this.nodes.get(place.node) ?? this.add(place.node, at);
    const [kind, name, ...rest] = place.levels;
    const key = place.levels.length;
    if (kind === "bridge" && name === "state" && key === 2) {
      node.state = payload === "online" || payload === "offline" ? payload : null;
    } else if (kind === "bridge" && name === "asterisk" && key === 2) {
      node.asterisk = read<BridgeAsterisk>(payload);
    } else if (kind === "queue" && key === 2) {
      this.put(node, node.queues, topic, payload, replayed, at);
    } else if (kind === "agent" && key === 2) {
      this.put(node, node.agents, topic, payload, replayed, at);
      this.touched.add(topic);
    } else if (kind === "session" && key === 4) {
      this.put(node, node.sessions, topic, payload, replayed, at);
      this.touched.add(agentTopic(this.prefix, place.node, rest[0] ?? ""));
    }
    this.judge(node, at);
    if (node.isEmpty) this.nodes.delete(place.node);
  }

  /** The connection to the broker is there: what was known must be told again, or is gone. */
  connect(at: number): void {
    this.takeIn();
    this.connected = true;
    this.unconfirmed = new Set();
    for (const node of this.nodes.values()) {
      const bridge = `${this.prefix}/${node.level}/bridge`;
      for (const topic of [`${bridge}/state`, `${bridge}/asterisk`]) this.unconfirmed.add(topic);
      for (const map of [node.queues, node.agents, node.sessions]) for (const topic of map.keys()) this.unconfirmed.add(topic);
      this.judge(node, at);
    }
  }

  /** All that is retained has been told: forget what was not. */
  confirm(at: number): void {
    for (const topic of [...this.unconfirmed]) this.receive(topic, "", true, at);
  }

  /** The connection to the broker is lost. */
  disconnect(at: number): void {
    this.takeIn();
    this.connected = false;
    for (const node of this.nodes.values()) this.judge(node, at);
  }

  private add(level: string, at: number): Node {
    const node = new Node(level, at);
    this.nodes.set(level, node);
    return node;
  }

  private put<T extends { as_of: string }>(
    node: Node,
    into: Map<string, T>,
    topic: string,
    payload: string,
    replayed: boolean,
    at: number,
  ): void {
    const value = read<T>(payload);
    if (value === null) into.delete(topic);
    else {
      into.set(topic, value);
      if (!replayed) node.time.observe(Date.parse(value.as_of), at);
    }
  }

  private judge(node: Node, at: number): void {
    const current = this.connected && node.state === "online" && node.asterisk?.current === true;
    if (current) node.staleSince = null;
    else node.staleSince ??= at;
  }
}

/** Topic of an agent's snapshot; `agent` is a level. */
export const agentTopic = (prefix: string, node: string, agent: string) => `${prefix}/${node}/agent/${agent}`;

function read<T>(payload: string): T | null {
  if (payload === "") return null;
  try {
    const value: unknown = JSON.parse(payload);
    return typeof value === "object" && value !== null ? (value as T) : null;
  } catch {
    return null;
  }
}
