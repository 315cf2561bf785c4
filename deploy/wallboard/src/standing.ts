// Whether the picture is current, in words.

import type { Node } from "./center";
import { timeOfDay } from "./format";
import type { LinkState } from "./link";

export interface Standing {
  key: string;
  words: string;
}

const FEW = 3; // Asterisks that are each told in a line of its own; more would leave no room for the board
const KNOWN = "is what was last known.";

/** What is not current and why; nothing where all is. */
export function standings(link: LinkState, nodes: Node[]): Standing[] {
  if (link.kind !== "open") return [{ key: "", words: linkWords(link) }];
  const stale = nodes.filter((node) => !node.isCurrent).sort((a, b) => (a.level < b.level ? -1 : 1));
  if (stale.length <= FEW) return stale.map((node) => ({ key: node.level, words: nodeWords(node) }));
  return [{ key: "", words: manyWords(stale, nodes.length) }];
}

function linkWords(link: LinkState): string {
  if (link.kind === "idle") return "Not connected: please sign in to the broker.";
  const since = link.lostAt === null ? "" : ` since ${timeOfDay(link.lostAt)}`;
  const shown = link.lostAt === null ? "" : ` What is shown ${KNOWN}`;
  if (link.kind === "refused") return `${link.words}${shown}`;
  if (link.lostAt === null) return link.words || "Connecting to the broker.";
  return `No connection to the broker${since}.${shown} ${link.words}`;
}

function nodeWords(node: Node): string {
  const { asterisk, name } = node;
  const known = `What is shown of it ${KNOWN}`;
  if (node.state !== "online") return `${name}: its gateway is not running. ${known}`;
  if (asterisk === null) return `${name}: its gateway has not said yet how it stands with Asterisk.`;
  if (asterisk.link === "resyncing") return `${name}: being compared with Asterisk; current again in a moment.`;
  const why = asterisk.last_error ? ` (${asterisk.last_error})` : "";
  if (asterisk.link === "down") return `${name}: no link to Asterisk since ${timeOfDay(Date.parse(asterisk.since))}${why}. ${known}`;
  return `${name}: not current since ${timeOfDay(Date.parse(asterisk.since))}. ${known}`;
}

function manyWords(stale: Node[], all: number): string {
  const away = stale.filter((node) => node.state !== "online");
  const rest = stale.filter((node) => node.state === "online");
  const named = (what: string, nodes: Node[]) => (nodes.length > 0 ? ` ${what}: ${nodes.map(({ name }) => name).join(", ")}.` : "");
  const which = named("Gateway not running", away) + named("No link to Asterisk, or being compared with it", rest);
  return `${stale.length} of ${all} Asterisks are not current. What is shown of them ${KNOWN}${which}`;
}
