import { useRef, useState } from "preact/hooks";
import type { Board } from "../board";
import { duration, figure, percent, period } from "../format";
import type { Session } from "../payloads";
import { COLUMN_NAMES, type Person } from "../people";
import { Elapsed } from "./elapsed";
import { LogInForm } from "./login";
import { Answered, type Order, useOrders } from "./orders";
import { Window } from "./window";

const STATES: Record<string, string> = { NOT_READY: "Not ready", READY: "Ready", BUSY_ON_CALL: "On a call", BUSY_WRAPUP: "Wrap-up" };

/** All of one agent; for a person who is signed in, with commands. */
export function PersonDialog({ board, topic, onClose }: { board: Board; topic: string; onClose: () => void }) {
  const now = board.people.get(topic);
  const last = useRef(now);
  if (now) last.current = now;
  if (!last.current) return null;
  const person: Person = now ?? { ...last.current, sessions: [], topics: [], call: null };
  const { agent, node, call } = person;
  const caller = board.supervised && call ? [call.caller_name, call.caller_number].filter(Boolean).join(", ") : "";
  return (
    <Window title={person.name} note={node.name} onClose={onClose}>
      <p class="state">
        {now ? (
          <>
            {COLUMN_NAMES[person.column]} for <Elapsed node={node} since={person.since} />: <bdi>{person.about}</bdi>
            {caller && (
              <>
                , caller <bdi>{caller}</bdi>
              </>
            )}
          </>
        ) : (
          "Logged out"
        )}
      </p>
      {agent && (
        <dl class="figures">
          <Figure name={`calls ${period(agent.measurement_period.seconds)}`} value={figure(agent.number_of_acd_calls)} />
          <Figure name="calls an hour" value={agent.overall_call_rate.toFixed(1)} />
          <Figure name="talking" value={duration(agent.total_acd_talk_time)} />
          <Figure name="wrap-up" value={duration(agent.total_wrap_up_time)} />
          <Figure name="wrap-up share" value={percent(agent.total_wrap_up_time, agent.total_acd_talk_time + agent.total_wrap_up_time)} />
          <Figure name="own calls in, out" value={`${agent.number_of_incoming_calls}, ${agent.number_of_outgoing_calls}`} />
        </dl>
      )}
      {board.supervised ? <Commands board={board} person={person} /> : <Sessions person={person} />}
      {!(agent?.complete ?? true) && <p>Part of today could not be seen: the figures are not complete.</p>}
    </Window>
  );
}

function Figure({ name, value }: { name: string; value: string | number }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Commands({ board, person }: { board: Board; person: Person }) {
  const [told, order] = useOrders(board);
  const [reason, setReason] = useState("");
  const all = `${person.key}/set`;
  const pause = () => void order("Pause", all, { state: "NOT_READY", ...(reason ? { reason } : {}) });
  return (
    <>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          pause();
        }}
      >
        <label>
          Reason
          <input value={reason} onInput={(event) => setReason(event.currentTarget.value)} list="reasons" maxLength={79} />
        </label>
        <datalist id="reasons">
          {knownReasons(board).map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
        <button type="submit">Pause</button>
        <button type="button" onClick={() => void order("Unpause", all, { state: "READY" })}>
          Unpause
        </button>
        <button type="button" onClick={() => void order("Log out", all, { state: "SESSION_ENDED" })}>
          Log out
        </button>
      </form>
      <Answered told={told} />
      <Sessions person={person} order={order} reason={reason} />
      <details>
        <summary>Log in to another queue</summary>
        <LogInForm board={board} node={person.node} agent={person.name} address={person.sessions[0]?.address ?? ""} order={order} />
      </details>
    </>
  );
}

interface SessionsProps {
  person: Person;
  order?: Order;
  reason?: string;
}

const HEADS = ["State", "For", "Calls", "Talk", "Wrap-up", "Missed"];

/** Each session. On a phone a row is a block of lines, so that nothing of it, and no command, lies beside the screen. */
function Sessions({ person, order, reason }: SessionsProps) {
  return (
    <table role="table" class="sessions">
      <thead role="rowgroup">
        <tr role="row">
          {["Queue", ...HEADS, ...(order ? ["Command"] : [])].map((head) => (
            <th key={head} role="columnheader" scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {person.sessions.map((session, index) => (
          <tr key={person.topics[index]} role="row">
            <th role="rowheader" scope="row">
              <bdi>{session.group}</bdi> <small dir="auto">{session.address}</small>
            </th>
            {[
              <bdi>
                {STATES[session.state] ?? session.state}
                {session.reason && ` (${session.reason})`}
              </bdi>,
              <Elapsed node={person.node} since={Date.parse(session.state_since)} short />,
              figure(session.number_of_calls),
              duration(session.average_talk_time),
              duration(session.average_wrap_up_time),
              figure(session.asterisk.calls_missed),
            ].map((value, column) => (
              <td key={HEADS[column]} role="cell">
                <span class="label" aria-hidden="true">
                  {HEADS[column]}{" "}
                </span>
                {value}
              </td>
            ))}
            {order && (
              <td role="cell" class="commands">
                <Orders session={session} topic={`${person.topics[index]}/set`} order={order} reason={reason ?? ""} />
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface OrdersProps {
  session: Session;
  topic: string;
  order: Order;
  reason: string;
}

/** What may be done in one queue. */
function Orders({ session, topic, order, reason }: OrdersProps) {
  const give = (verb: string, word: string, command: Record<string, unknown>) => (
    <button type="button" onClick={() => void order(`${verb} ${word} ${session.group}`, topic, command)}>
      {verb}
      <span class="hidden">
        {" "}
        {word} {session.group}
      </span>
    </button>
  );
  return (
    <>
      {session.state === "NOT_READY"
        ? give("Unpause", "in", { state: "READY" })
        : give("Pause", "in", { state: "NOT_READY", ...(reason ? { reason } : {}) })}
      {session.asterisk.membership !== "static" && give("Log out", "of", { state: "SESSION_ENDED" })}
    </>
  );
}

/** The reasons that people have just now: what this call center calls them. */
function knownReasons(board: Board): string[] {
  const reasons = board.people.all().flatMap(({ sessions }) => sessions.flatMap(({ asterisk, reason }) => (asterisk && reason ? [reason] : [])));
  return [...new Set(reasons)].filter((reason) => !reason.startsWith("device ")).sort();
}
