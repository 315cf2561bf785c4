// Whether the picture is current, in words.

import type { Node } from "./center";
import { timeOfDay } from "./format";
import type { LinkState } from "./link";

export interface Standing {
  key: string;
  words: string;
}

/** What is not current and why; nothing where all is. */
export function standings(link: LinkState, nodes: Node[]): Standing[] {
  if (link.kind !== "open") return [{ key: "", words: linkWords(link) }];
  const stale = nodes.filter((node) => !node.isCurrent).map((node) => ({ key: node.level, words: nodeWords(node) }));
  return stale.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function linkWords(link: LinkState): string {
  if (link.kind === "idle") return "Not connected: please sign in to the broker.";
  const since = link.lostAt === null ? "" : ` since ${timeOfDay(link.lostAt)}`;
  const shown = link.lostAt === null ? "" : " What is shown is what was last known.";
  if (link.kind === "refused") return `${link.words}${shown}`;
  return link.lostAt === null ? `Connecting to the broker. ${link.words}` : `No connection to the broker${since}.${shown} ${link.words}`;
}

function nodeWords(node: Node): string {
  const { asterisk, name } = node;
  const known = "What is shown of it is what was last known.";
  if (node.state !== "online") return `${name}: its gateway is not running. ${known}`;
  if (asterisk === null) return `${name}: its gateway has not said yet how it stands with Asterisk.`;
  if (asterisk.link === "resyncing") return `${name}: being compared with Asterisk; current again in a moment.`;
  const why = asterisk.last_error ? ` (${asterisk.last_error})` : "";
  if (asterisk.link === "down") return `${name}: no link to Asterisk since ${timeOfDay(Date.parse(asterisk.since))}${why}. ${known}`;
  return `${name}: not current since ${timeOfDay(Date.parse(asterisk.since))}. ${known}`;
}
