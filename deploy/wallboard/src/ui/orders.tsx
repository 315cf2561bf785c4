// Commands, and their answers in words.

import { useRef, useState } from "preact/hooks";
import type { Board } from "../board";
import { CommandError } from "../link";
import type { Answer } from "../payloads";

export interface Told {
  busy: boolean;
  good: boolean;
  words: string;
}

/** Give a command and tell what became of it, under the words for it; whether it was done. */
export type Order = (what: string, topic: string, command: Record<string, unknown>) => Promise<boolean>;

export const QUIET: Told = { busy: false, good: true, words: "" };

/** Give commands one after another; what is told is what became of the last. */
export function useOrders(board: Board): [Told, Order] {
  const [told, tell] = useState(QUIET);
  const latest = useRef(0);
  const order: Order = async (what, topic, command) => {
    const mine = ++latest.current;
    const say = (now: Told) => latest.current === mine && tell(now);
    say({ busy: true, good: true, words: `${what} …` });
    try {
      const answer = await board.link.ask(topic, command);
      say({ busy: false, good: answer.status === "ok", words: inWords(what, answer) });
      return answer.status === "ok";
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      say({ busy: false, good: false, words: `${what}: ${error.message}` });
      return false;
    }
  };
  return [told, order];
}

function inWords(what: string, answer: Answer): string {
  if (answer.status === "ok") return answer.changed ? `${what}: done.` : `${what}: it was so already.`;
  const failed = (answer.sessions ?? []).filter(({ status }) => status === "error");
  if (failed.length === 0) return `${what}: ${reason(answer)}.`;
  return `${what}: ${failed.map((each) => `in ${each.group} not: ${reason(each)}`).join("; ")}.`;
}

function reason({ code, message }: { code: string | null; message: string | null }): string {
  return [message?.replace(/\.$/, ""), code === null ? null : `(${code})`].filter(Boolean).join(" ") || "refused";
}

export function Answered({ told }: { told: Told }) {
  return (
    <p class={`answer ${told.busy ? "busy" : told.good ? "good" : "bad"}`} role="status">
      {told.words}
    </p>
  );
}
