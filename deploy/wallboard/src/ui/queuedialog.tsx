import type { Board } from "../board";
import { duration, period } from "../format";
import { type Line, NEED_WORDS } from "../queues";
import { Elapsed } from "./elapsed";
import { Window } from "./window";

const MOST = 25; // callers listed

/** All of one queue. Who calls is shown to a person who is signed in, and to no wall. */
export function QueueDialog({ board, line, onClose }: { board: Board; line: Line; onClose: () => void }) {
  const { queue, node } = line;
  const figures: [string, string | number][] = [
    ["callers", queue.total_calls_queued],
    ["answered", queue.answered],
    ["abandoned", queue.total_calls_abandoned],
    ["left otherwise", queue.total_calls_flowed_out],
    ["average wait", duration(queue.average_wait_time)],
    ["longest wait ever", duration(queue.longest_ever_wait_time)],
  ];
  return (
    <Window title={queue.queue} note={`${node.name} · figures ${period(queue.measurement_period.seconds)}`} onClose={onClose}>
      <p class="state">{NEED_WORDS[line.need]}</p>
      <dl class="figures">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <h3>{queue.current_calls_queued === 0 ? "Nobody waits" : `Waiting: ${queue.current_calls_queued}`}</h3>
      <ol class="callers">
        {queue.callers_waiting.slice(0, MOST).map((caller) => (
          <li key={caller.uniqueid}>
            <Elapsed node={node} since={Date.parse(caller.waiting_since)} />
            {board.supervised && <span> {[caller.caller_name, caller.caller_number].filter(Boolean).join(", ")}</span>}
          </li>
        ))}
      </ol>
    </Window>
  );
}
