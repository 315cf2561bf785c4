import { useState } from "preact/hooks";
import type { Board } from "../board";
import { agentTopic, type Node } from "../center";
import { encodeLevel } from "../topics";
import { Answered, type Order, useOrders } from "./orders";
import { Window } from "./window";

interface FormProps {
  board: Board;
  node: Node;
  agent?: string;
  address?: string;
  order: Order;
}

/** Ask for a session: an agent, a queue and the interface that is to be rung. */
export function LogInForm({ board, node, agent, address, order }: FormProps) {
  const [paused, setPaused] = useState(false);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const who = agent ?? text("agent");
    const topic = `${agentTopic(board.settings.prefix, node.level, encodeLevel(who))}/create_session`;
    const command = { group: text("group"), address: text("address"), state: paused ? "NOT_READY" : "READY" };
    void order(`Log in ${who} to ${command.group}`, topic, command);
  };
  return (
    <form class="fields" onSubmit={submit}>
      {agent === undefined && (
        <label>
          Agent
          <input name="agent" required maxLength={79} autofocus />
        </label>
      )}
      <label>
        Queue
        <select name="group" required>
          {[...node.queues.values()]
            .map(({ queue }) => queue)
            .sort()
            .map((queue) => (
              <option key={queue}>{queue}</option>
            ))}
        </select>
      </label>
      <label>
        Address
        <input name="address" required maxLength={79} placeholder="PJSIP/1001" defaultValue={address ?? ""} />
      </label>
      <div class="row last">
        <label class="tick">
          <input type="checkbox" checked={paused} onChange={(event) => setPaused(event.currentTarget.checked)} />
          not ready at first
        </label>
        <button type="submit" class="main">
          Log in
        </button>
      </div>
    </form>
  );
}

export function LogIn({ board, onClose }: { board: Board; onClose: () => void }) {
  const [told, order] = useOrders(board);
  const nodes = [...board.center.nodes.values()];
  const [level, setLevel] = useState(nodes[0]?.level ?? "");
  const node = board.center.nodes.get(level) ?? nodes[0];
  return (
    <Window title="Log in an agent" onClose={onClose}>
      {nodes.length > 1 && (
        <label>
          Asterisk
          <select value={level} onChange={(event) => setLevel(event.currentTarget.value)}>
            {nodes.map((each) => (
              <option key={each.level} value={each.level}>
                {each.name}
              </option>
            ))}
          </select>
        </label>
      )}
      {node ? <LogInForm key={node.level} board={board} node={node} order={order} /> : <p>No Asterisk is there yet.</p>}
      <Answered told={told} />
    </Window>
  );
}
