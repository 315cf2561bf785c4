// Topic names: a name becomes one level by percent-encoding what a level may not hold, as the contract says.

const FORBIDDEN = /[/+#%\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef]|[\s\S]/gu;
const RESERVED = /^[/+#%\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef]$/u;

/** The name as one topic level: `PJSIP/1001` becomes `PJSIP%2F1001`. */
export function encodeLevel(name: string): string {
  return name.replace(FORBIDDEN, (char) => (mayStand(char) ? char : percent(char)));
}

/** The name that a level stands for; the level itself where its escapes are none. */
export function decodeLevel(level: string): string {
  try {
    return decodeURIComponent(level);
  } catch {
    return level;
  }
}

function mayStand(char: string): boolean {
  return !RESERVED.test(char) && ((char.codePointAt(0) ?? 0) & 0xfffe) !== 0xfffe;
}

function percent(char: string): string {
  return [...new TextEncoder().encode(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

/** What a topic is about: the node's level, and the levels after it. */
export interface Place {
  node: string;
  levels: string[];
}

/** Take a topic below the prefix apart; null for one that is not below it. */
export function parseTopic(prefix: string, topic: string): Place | null {
  if (!topic.startsWith(`${prefix}/`)) return null;
  const [node, ...levels] = topic.slice(prefix.length + 1).split("/");
  return node ? { node, levels } : null;
}

/** What tells which Asterisks and queues there are, of one Asterisk or, with `+`, of all. */
export function firstFilters(prefix: string, node: string): string[] {
  return ["bridge/state", "bridge/asterisk", "queue/+"].map((tail) => `${prefix}/${node}/${tail}`);
}

/** What is read of an Asterisk that is known, in portions: its agents, and the sessions of each queue. */
export function furtherFilters(prefix: string, node: string, queueTopics: Iterable<string>): string[] {
  const groups = [...queueTopics].map((topic) => topic.slice(topic.lastIndexOf("/") + 1));
  return [`${prefix}/${node}/agent/+`, ...groups.map((group) => `${prefix}/${node}/session/${group}/+/+`)];
}

/** Where answers to a supervisor's commands come: beside the commands, where every reader of the board may read. */
export function answerFilters(prefix: string, node: string): string[] {
  return ["session/+/+/+/set", "agent/+/set", "agent/+/create_session"].map((tail) => `${prefix}/${node}/${tail}/response`);
}
