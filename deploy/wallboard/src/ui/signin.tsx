import { useEffect, useState } from "preact/hooks";
import type { Board } from "../board";
import { Window } from "./window";

/** A person signs in with a user and password of the broker; what they may do, the broker decides. */
export function SignIn({ board, onClose }: { board: Board; onClose: () => void }) {
  const [sent, setSent] = useState(false);
  const { state } = board.link;
  const done = sent && state.kind === "open";
  useEffect(() => {
    if (done) onClose();
  }, [done]);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? "");
    setSent(true);
    board.signIn(text("broker").trim(), { username: text("username") || null, password: text("password") || null, person: true });
  };
  return (
    <Window title="Sign in to the broker" onClose={onClose}>
      <form onSubmit={submit}>
        <label>
          User
          <input name="username" autocomplete="username" autofocus />
        </label>
        <label>
          Password
          <input name="password" type="password" autocomplete="current-password" />
        </label>
        <label>
          Broker
          <input name="broker" type="url" required value={board.broker} placeholder="ws://broker:9001" />
        </label>
        <p class={state.kind === "refused" ? "answer bad" : "answer"} role="status">
          {!sent || done ? "" : state.words || "Connecting …"}
        </p>
        <button type="submit" class="main">
          Sign in
        </button>
      </form>
    </Window>
  );
}
