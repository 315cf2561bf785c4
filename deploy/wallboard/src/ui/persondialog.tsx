import { useRef, useState } from "preact/hooks";
import type { Board } from "../board";
import { duration, percent, period } from "../format";
import { COLUMN_NAMES, type Person } from "../people";
import { Elapsed } from "./elapsed";
import { LogInForm } from "./login";
import { Answered, useOrders } from "./orders";
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
            {COLUMN_NAMES[person.column]} for <Elapsed node={node} since={person.since} />: {person.about}
            {caller && `, caller ${caller}`}
          </>
        ) : (
          "Logged out"
        )}
      </p>
      {agent && (
        <dl class="figures">
          <Figure name={`calls ${period(agent.measurement_period.seconds)}`} value={agent.number_of_acd_calls} />
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
  order?: (what: string, topic: string, command: Record<string, unknown>) => Promise<boolean>;
  reason?: string;
}

function Sessions({ person, order, reason }: SessionsProps) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Queues">
      <table>
        <thead>
          <tr>
            <th scope="col">Queue</th>
            <th scope="col">State</th>
            <th scope="col">For</th>
            <th scope="col">Calls</th>
            <th scope="col">Talk</th>
            <th scope="col">Wrap-up</th>
            <th scope="col">Missed</th>
            {order && <th scope="col">Command</th>}
          </tr>
        </thead>
        <tbody>
          {person.sessions.map((session, index) => {
            const topic = `${person.topics[index]}/set`;
            return (
              <tr key={person.topics[index]}>
                <th scope="row">
                  {session.group} <small>{session.address}</small>
                </th>
                <td>
                  {STATES[session.state] ?? session.state}
                  {session.reason && ` (${session.reason})`}
                </td>
                <td>
                  <Elapsed node={person.node} since={Date.parse(session.state_since)} />
                </td>
                <td>{session.number_of_calls}</td>
                <td>{duration(session.average_talk_time)}</td>
                <td>{duration(session.average_wrap_up_time)}</td>
                <td>{session.asterisk.calls_missed}</td>
                {order && (
                  <td class="commands">
                    {session.state === "NOT_READY" ? (
                      <button type="button" onClick={() => void order(`Unpause in ${session.group}`, topic, { state: "READY" })}>
                        Unpause<span class="hidden"> in {session.group}</span>
                      </button>
                    ) : (
                      <button
                        type="button"
                        onClick={() =>
                          void order(`Pause in ${session.group}`, topic, { state: "NOT_READY", ...(reason ? { reason } : {}) })
                        }
                      >
                        Pause<span class="hidden"> in {session.group}</span>
                      </button>
                    )}
                    {session.asterisk.membership !== "static" && (
                      <button
                        type="button"
                        onClick={() => void order(`Log out of ${session.group}`, topic, { state: "SESSION_ENDED" })}
                      >
                        Log out<span class="hidden"> of {session.group}</span>
                      </button>
                    )}
                  </td>
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** The reasons that people have just now: what this call center calls them. */
function knownReasons(board: Board): string[] {
  const reasons = board.people.all().flatMap(({ sessions }) => sessions.flatMap(({ asterisk, reason }) => (asterisk && reason ? [reason] : [])));
  return [...new Set(reasons)].filter((reason) => !reason.startsWith("device ")).sort();
}
