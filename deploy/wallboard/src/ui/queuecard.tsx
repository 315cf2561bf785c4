import { counted, figure, percent } from "../format";
import { type Line, NEED_WORDS } from "../queues";
import { Elapsed } from "./elapsed";
import { ColumnIcon, NeedIcon } from "./icons";

interface Props {
  line: Line;
  nodeShown: boolean;
  onOpen: (key: string) => void;
}

export function QueueCard({ line, nodeShown, onOpen }: Props) {
  const { queue, need, node, longestSince } = line;
  const level = queue.service_level;
  return (
    <li class={`queue need-${need}${node.isCurrent ? "" : " stale"}`}>
      <div class="head">
        <h3>
          <button type="button" class="cover" onClick={() => onOpen(line.key)}>
            <span class="lines" dir="auto">
              {queue.queue}
            </span>
          </button>
          {nodeShown && <small>{node.name}</small>}
        </h3>
        <span class="badge">
          <NeedIcon need={need} />
          {NEED_WORDS[need]}
        </span>
      </div>
      <dl class="big">
        <div>
          <dt>waiting</dt>
          <dd>{figure(queue.current_calls_queued)}</dd>
        </div>
        <div>
          <dt>longest wait</dt>
          <dd>{longestSince === null ? "–" : <Elapsed node={node} since={longestSince} short />}</dd>
        </div>
      </dl>
      <dl class="figures">
        <div>
          <dt>{level.threshold === null ? "in time" : `in ${Math.round(level.threshold)} s`}</dt>
          <dd>{percent(level.answered_in_time, queue.answered)}</dd>
        </div>
        <div>
          <dt>answered</dt>
          <dd>{figure(queue.answered)}</dd>
        </div>
        <div>
          <dt>abandoned</dt>
          <dd>{figure(queue.total_calls_abandoned)}</dd>
        </div>
      </dl>
      <ul class="staff" aria-label="Agents">
        <Staff column="ready" count={queue.agents.READY} word="ready" />
        <Staff column="call" count={queue.agents.BUSY_ON_CALL} word="on a call" />
        <Staff column="wrapup" count={queue.agents.BUSY_WRAPUP} word="in wrap-up" />
        <Staff column="away" count={queue.agents.NOT_READY} word="not ready" />
      </ul>
    </li>
  );
}

/** A queue in which nobody waits, in one line: where there are many, they leave the room to the others. */
export function CalmQueue({ line, nodeShown, onOpen }: Props) {
  const { queue, need, node } = line;
  return (
    <li class={`queue calm need-${need}${node.isCurrent ? "" : " stale"}`}>
      <h3>
        <button type="button" class="cover" dir="auto" onClick={() => onOpen(line.key)}>
          {queue.queue}
        </button>
        {nodeShown && <small>{node.name}</small>}
      </h3>
      <span class="badge">
        <NeedIcon need={need} />
        {NEED_WORDS[need]}
      </span>
      {need === "clear" && (
        <span class="brief">
          {percent(queue.service_level.answered_in_time, queue.answered)} in time · {queue.agents.READY} ready
        </span>
      )}
    </li>
  );
}

function Staff({ column, count, word }: { column: "ready" | "call" | "wrapup" | "away"; count: number; word: string }) {
  return (
    <li class={`in-${column}`} title={`${counted(count, "agent")} ${word}`}>
      <ColumnIcon column={column} />
      {count}
      <span class="hidden"> {word}</span>
    </li>
  );
}
