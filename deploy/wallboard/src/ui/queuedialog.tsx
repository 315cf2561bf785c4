import type { Board } from "../board";
import { duration, figure, period } from "../format";
import { COLUMN_NAMES, COLUMNS, inOrder, type Person } from "../people";
import { type Line, NEED_WORDS } from "../queues";
import { Elapsed } from "./elapsed";
import { ColumnIcon } from "./icons";
import { Window } from "./window";

const MOST = 25; // callers listed

interface Props {
  board: Board;
  line: Line;
  onOpen: (key: string) => void;
  onClose: () => void;
}

/** All of one queue. Who calls is shown to a person who is signed in, and to no wall. */
export function QueueDialog({ board, line, onOpen, onClose }: Props) {
  const { queue, node } = line;
  const figures: [string, string][] = [
    ["callers", figure(queue.total_calls_queued)],
    ["answered", figure(queue.answered)],
    ["abandoned", figure(queue.total_calls_abandoned)],
    ["left otherwise", figure(queue.total_calls_flowed_out)],
    ["average wait", duration(queue.average_wait_time)],
    ["longest wait ever", duration(queue.longest_ever_wait_time)],
  ];
  const people = board.people.all().filter((person) => person.node === node && person.sessions.some(({ group }) => group === queue.queue));
  const more = queue.current_calls_queued - MOST;
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
      <h3>{queue.current_calls_queued === 0 ? "Nobody waits" : `Waiting: ${figure(queue.current_calls_queued)}`}</h3>
      <ol class="callers">
        {queue.callers_waiting.slice(0, MOST).map((caller) => (
          <li key={caller.uniqueid}>
            <Elapsed node={node} since={Date.parse(caller.waiting_since)} />
            {board.supervised && <Caller of={caller} />}
          </li>
        ))}
      </ol>
      {more > 0 && <p>and {figure(more)} more</p>}
      <h3>{people.length === 0 ? "No agent is logged in" : `Agents: ${figure(people.length)}`}</h3>
      <ul class="agents">
        {COLUMNS.flatMap((column) => inOrder(people.filter((person) => person.column === column))).map((person) => (
          <Agent key={person.key} person={person} supervised={board.supervised} onOpen={onOpen} />
        ))}
      </ul>
    </Window>
  );
}

function Agent({ person, supervised, onOpen }: { person: Person; supervised: boolean; onOpen: (key: string) => void }) {
  return (
    <li class={`in-${person.column}`}>
      <button type="button" class="plain" dir="auto" onClick={() => onOpen(person.key)}>
        {person.name}
      </button>
      <span>
        <ColumnIcon column={person.column} /> {COLUMN_NAMES[person.column]} <Elapsed node={person.node} since={person.since} short />
        : <bdi>{person.about}</bdi>
        {supervised && person.call && (
          <>
            , caller
            <Caller of={person.call} />
          </>
        )}
      </span>
    </li>
  );
}

function Caller({ of }: { of: { caller_name: string | null; caller_number: string | null } }) {
  const words = [of.caller_name, of.caller_number].filter(Boolean).join(", ");
  return words ? (
    <span>
      {" "}
      <bdi>{words}</bdi>
    </span>
  ) : null;
}
