import { useEffect, useState } from "preact/hooks";
import type { Board } from "../board";
import type { Person } from "../people";
import { type Line, lines as allLines } from "../queues";
import { standings } from "../standing";
import { tick } from "./elapsed";
import { Header } from "./header";
import { AlarmIcon } from "./icons";
import { LogIn } from "./login";
import { PeopleColumns } from "./people";
import { PersonDialog } from "./persondialog";
import { QueueDialog } from "./queuedialog";
import { Queues } from "./queues";
import { SignIn } from "./signin";
import { Totals } from "./totals";

interface DialogsProps {
  board: Board;
  opened: Opened;
  lines: Line[];
  onOpen: (key: string) => void;
  onClose: () => void;
}

type Opened = { kind: "queue" | "person"; key: string } | { kind: "signin"; key?: never } | { kind: "login"; key?: never } | null;

export function App({ board }: { board: Board }) {
  const [, setDrawn] = useState(0);
  const [opened, open] = useState<Opened>(null);
  const [search, setSearch] = useState("");
  useEffect(() => {
    board.onDraw = () => {
      setDrawn((count) => count + 1);
      tick();
    };
    const timer = setInterval(() => board.draw(), 1000); // time goes on, and a wait becomes too long, without any message
    return () => clearInterval(timer);
  }, [board]);

  const at = Date.now();
  const nodes = [...board.center.nodes.values()];
  const nodeShown = nodes.length > 1;
  const wanted = wantedBy(board.settings.queue, search);
  const lines = allLines(board.center, at).filter(wanted.line);
  const people = board.people.all().filter(wanted.person);
  const stale = standings(board.link.state, nodes);
  const close = () => open(null);
  const openQueue = (key: string) => open({ kind: "queue", key });
  const openPerson = (key: string) => open({ kind: "person", key });
  const { show } = board.settings;
  return (
    <>
      <Header
        board={board}
        nodes={nodes.map(({ name }) => name).sort()}
        search={search}
        onSearch={setSearch}
        onSignIn={() => open({ kind: "signin" })}
        onLogIn={() => open({ kind: "login" })}
      />
      <div class="standing" role="status">
        {stale.map(({ key, words }) => (
          <p key={key}>
            <AlarmIcon />
            {words}
          </p>
        ))}
      </div>
      <main class={nodes.some(({ isCurrent }) => isCurrent) ? "" : "all-stale"}>
        {show !== "agents" && lines.length > 1 && (
          <Totals lines={lines} ready={people.filter(({ column }) => column === "ready").length} at={at} />
        )}
        {show !== "agents" && lines.length > 0 && <Queues lines={lines} nodeShown={nodeShown} onOpen={openQueue} />}
        {show !== "queues" && people.length > 0 && <PeopleColumns people={people} nodeShown={nodeShown} onOpen={openPerson} />}
        {lines.length + people.length === 0 && board.link.state.kind === "open" && <Empty board={board} search={search} />}
      </main>
      <Dialogs board={board} opened={opened} lines={lines} onOpen={openPerson} onClose={close} />
    </>
  );
}

/** Why there is nothing to see. */
function Empty({ board, search }: { board: Board; search: string }) {
  const { prefix, node, queue, display } = board.settings;
  const who = (board.link.credentials ?? display)?.username;
  if (search) return <p class="empty">No agent and no queue has “{search}” in its name.</p>;
  if (!board.settled) return <p class="empty">Reading …</p>;
  if (board.center.nodes.size === 0) {
    return (
      <p class="empty">
        No gateway is to be seen below {prefix}/{node}. None was ever there, or the broker does not let{" "}
        {who ? <bdi>“{who}”</bdi> : "a user without a name"} read it.
      </p>
    );
  }
  if (queue !== null) return <p class="empty">There is no queue “{queue}”.</p>;
  return <p class="empty">There is no queue yet, and nobody is logged in.</p>;
}

function Dialogs({ board, opened, lines, onOpen, onClose }: DialogsProps) {
  if (opened === null) return null;
  if (opened.kind === "signin") return <SignIn board={board} onClose={onClose} />;
  if (opened.kind === "login") return <LogIn board={board} onClose={onClose} />;
  if (opened.kind === "queue") {
    const line = lines.find(({ key }) => key === opened.key);
    return line ? <QueueDialog key={line.key} board={board} line={line} onOpen={onOpen} onClose={onClose} /> : null;
  }
  return <PersonDialog key={opened.key} board={board} topic={opened.key} onClose={onClose} />;
}

/** What the address bar and the search field leave. */
function wantedBy(queue: string | null, search: string): { line: (line: Line) => boolean; person: (person: Person) => boolean } {
  const text = search.trim().toLocaleLowerCase();
  const has = (name: string) => name.toLocaleLowerCase().includes(text);
  return {
    line: ({ queue: { queue: name } }) => (queue === null || name === queue) && has(name),
    person: ({ name, sessions }) =>
      (queue === null || sessions.some(({ group }) => group === queue)) && (has(name) || sessions.some(({ group }) => has(group))),
  };
}
