// Queues as the board shows them: how much they need eyes, and in which order.

import type { Center, Node } from "./center";
import type { Queue } from "./payloads";

/** From what needs eyes most to what needs none. */
export type Need = "nobody" | "late" | "waiting" | "clear" | "unstaffed";

const byName = new Intl.Collator(undefined, { numeric: true }).compare;
const NEEDS: readonly Need[] = ["nobody", "late", "waiting", "clear", "unstaffed"];

export const NEED_WORDS: Record<Need, string> = {
  nobody: "Nobody there",
  late: "Too long",
  waiting: "Waiting",
  clear: "Clear",
  unstaffed: "No agents",
};

/** Seconds after which a wait is too long in a queue that says nothing of it. */
const PATIENCE = 60;

export interface Line {
  key: string; // topic
  node: Node;
  queue: Queue;
  need: Need;
  longestSince: number | null; // milliseconds since the epoch by the gateway's clock; null: nobody waits
}

/** Nobody waits in it. */
export const isCalm = ({ need }: Line) => need === "clear" || need === "unstaffed";

/** All queues, those that need eyes first. */
export function lines(center: Center, at: number): Line[] {
  const found: Line[] = [];
  for (const node of center.nodes.values()) {
    const now = node.now(at);
    for (const [key, queue] of node.queues) {
      const longestSince = longest(queue);
      found.push({ key, node, queue, longestSince, need: need(queue, longestSince === null ? 0 : now - longestSince) });
    }
  }
  const rank = (line: Line) => NEEDS.indexOf(line.need);
  const since = (line: Line) => line.longestSince ?? Infinity;
  return found.sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (since(a) === since(b) ? 0 : since(a) - since(b)) ||
      byName(a.queue.queue, b.queue.queue) ||
      byName(a.node.name, b.node.name),
  );
}

function need(queue: Queue, longestWait: number): Need {
  const { READY, BUSY_ON_CALL, BUSY_WRAPUP } = queue.agents;
  const staffed = READY + BUSY_ON_CALL + BUSY_WRAPUP > 0;
  if (queue.current_calls_queued === 0) return staffed ? "clear" : "unstaffed";
  if (!staffed) return "nobody";
  return longestWait >= (queue.service_level.threshold ?? PATIENCE) * 1000 ? "late" : "waiting";
}

function longest(queue: Queue): number | null {
  if (queue.current_calls_queued === 0) return null;
  const told = Date.parse(queue.as_of) - queue.current_longest_wait_time * 1000;
  return Math.min(told, ...queue.callers_waiting.map(({ waiting_since }) => Date.parse(waiting_since)));
}

export interface Totals {
  waiting: number;
  longest: Line | null;
  answered: number;
  inTime: number;
  abandoned: number;
}

/** All queues together. */
export function totals(all: Line[], at: number): Totals {
  const sum = (figure: (queue: Queue) => number) => all.reduce((total, { queue }) => total + figure(queue), 0);
  let longestLine: Line | null = null;
  let longestWait = -Infinity;
  for (const line of all) {
    const wait = line.longestSince === null ? -Infinity : line.node.now(at) - line.longestSince;
    if (wait > longestWait) [longestLine, longestWait] = [line, wait];
  }
  return {
    waiting: sum((queue) => queue.current_calls_queued),
    longest: longestLine,
    answered: sum((queue) => queue.answered),
    inTime: sum((queue) => queue.service_level.answered_in_time),
    abandoned: sum((queue) => queue.total_calls_abandoned),
  };
}
