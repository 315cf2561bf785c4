// Agents as the board shows them: one state out of all sessions, what it is about, and in which order they need eyes.

import type { Center, Node } from "./center";
import { agentTopic } from "./center";
import type { Agent, CurrentCall, Session } from "./payloads";
import { decodeLevel } from "./topics";

export type Column = "call" | "wrapup" | "ready" | "away";

export const COLUMNS: readonly Column[] = ["call", "wrapup", "away", "ready"];

export const COLUMN_NAMES: Record<Column, string> = {
  call: "On a call",
  wrapup: "Wrap-up",
  ready: "Ready",
  away: "Not ready",
};

/** One agent with at least one session. Never changed: a new one is made when anything of it changes. */
export interface Person {
  key: string; // topic of the agent
  node: Node;
  name: string;
  column: Column;
  since: number; // milliseconds since the epoch by the gateway's clock
  about: string; // pause reason, queue of the call, what comes next
  call: CurrentCall | null;
  agent: Agent | null;
  sessions: Session[]; // by group
  topics: string[]; // of the sessions, in the same order
}

/** Keeps the people of a center, and remakes only those of whom something changed. */
export class People {
  private readonly known = new Map<string, Person>();

  constructor(
    private readonly center: Center,
    private readonly prefix: string,
  ) {}

  /** Everybody who is logged in. */
  all(): Person[] {
    if (this.center.touched.size > 0) this.remake();
    return [...this.known.values()];
  }

  get(key: string): Person | null {
    return this.known.get(key) ?? null;
  }

  private remake(): void {
    const { touched } = this.center;
    const sessions = new Map<string, [string, Session][]>();
    for (const node of this.center.nodes.values()) {
      for (const [topic, session] of node.sessions) {
        const key = agentTopic(this.prefix, node.level, topic.split("/").at(-2) ?? "");
        if (!touched.has(key) || session.state === "SESSION_ENDED") continue;
        const found = sessions.get(key);
        if (found) found.push([topic, session]);
        else sessions.set(key, [[topic, session]]);
      }
    }
    for (const key of touched) {
      const theirs = sessions.get(key);
      const level = key.slice(this.prefix.length + 1).split("/");
      const node = this.center.nodes.get(level[0] ?? "");
      if (theirs && node) this.known.set(key, person(key, node, decodeLevel(level[2] ?? ""), theirs));
      else this.known.delete(key);
    }
    touched.clear();
  }
}

function person(key: string, node: Node, name: string, found: [string, Session][]): Person {
  found.sort(([, a], [, b]) => (a.group < b.group ? -1 : 1));
  const sessions = found.map(([, session]) => session);
  const agent = node.agents.get(key) ?? null;
  const inState = (state: string) => sessions.filter((session) => session.state === state);
  const shared = { key, node, name, agent, sessions, topics: found.map(([topic]) => topic) };
  const [talking, wrapping, ready] = [inState("BUSY_ON_CALL"), inState("BUSY_WRAPUP"), inState("READY")];
  const elsewhere = agent?.state === "BUSY_INCOMING" || agent?.state === "BUSY_OUTGOING" ? agent : null;
  if (talking[0]) {
    const about = [...new Set(talking.map(({ group }) => group))].join(", ") + next(talking);
    return { ...shared, column: "call", since: earliest(talking), about, call: talking[0].current_call };
  }
  if (elsewhere) {
    const about = elsewhere.state === "BUSY_INCOMING" ? "own call, came in" : "own call, dialled";
    return { ...shared, column: "call", since: Date.parse(elsewhere.state_since), about, call: null };
  }
  if (wrapping[0]) {
    const about = [...new Set(wrapping.map(({ group }) => group))].join(", ") + next(wrapping);
    return { ...shared, column: "wrapup", since: earliest(wrapping), about, call: null };
  }
  if (ready[0]) {
    const paused = sessions.length - ready.length;
    const about = paused ? `ready in ${ready.length} of ${sessions.length} queues` : groups(sessions);
    return { ...shared, column: "ready", since: earliest(ready), about, call: null };
  }
  const reasons = [...new Set(sessions.flatMap(({ reason }) => (reason ? [reason] : [])))];
  return { ...shared, column: "away", since: earliest(sessions), about: reasons.join(", ") || "no reason given", call: null };
}

function groups(sessions: Session[]): string {
  return sessions.length > 3 ? `${sessions.length} queues` : sessions.map(({ group }) => group).join(", ");
}

function next(sessions: Session[]): string {
  const pending = sessions.map(({ pending_state }) => pending_state);
  if (pending.includes("BUSY_WRAPUP")) return " – then wrap-up";
  if (pending.includes("NOT_READY")) return " – then not ready";
  return pending.includes("READY") ? " – then ready" : "";
}

const earliest = (sessions: Session[]) => Math.min(...sessions.map(({ state_since }) => Date.parse(state_since)));

/** Who is longest in a state stands first: the longest call, the longest pause, whose turn it is. */
export function inOrder(people: Person[]): Person[] {
  return people.sort((a, b) => a.since - b.since || (a.key < b.key ? -1 : 1));
}
