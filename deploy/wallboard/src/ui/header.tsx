import { useState } from "preact/hooks";
import type { Board } from "../board";
import { timeOfDay } from "../format";
import { setTheme, type Theme, theme } from "../settings";
import { ContrastIcon } from "./icons";

const NEXT: Record<Theme, Theme> = { auto: "dark", dark: "light", light: "auto" };

interface Props {
  board: Board;
  nodes: string[];
  search: string;
  onSearch: (text: string) => void;
  onSignIn: () => void;
  onLogIn: () => void;
}

export function Header({ board, nodes, search, onSearch, onSignIn, onLogIn }: Props) {
  const who = board.link.credentials?.username;
  return (
    <header class="top">
      <div class="name">
        <h1>{board.settings.title}</h1>
        <p>{nodes.length > 3 ? `${nodes.length} Asterisks` : nodes.join(", ")}</p>
      </div>
      <div class="tools">
        <label>
          <span class="hidden">Find an agent or a queue</span>
          <input type="search" placeholder="Find" value={search} onInput={(event) => onSearch(event.currentTarget.value)} />
        </label>
        <ThemeButton />
        {board.supervised ? (
          <>
            <button type="button" onClick={onLogIn}>
              Log in an agent
            </button>
            <button type="button" onClick={() => board.signOut()}>
              Sign out{who ? ` ${who}` : ""}
            </button>
          </>
        ) : (
          <button type="button" onClick={onSignIn}>
            Sign in
          </button>
        )}
      </div>
      <p class="clock">{timeOfDay(Date.now())}</p>
    </header>
  );
}

function ThemeButton() {
  const [chosen, choose] = useState(theme());
  const turn = () => {
    setTheme(NEXT[chosen]);
    choose(NEXT[chosen]);
  };
  return (
    <button type="button" onClick={turn}>
      <ContrastIcon />
      <span class="hidden">Colours: </span>
      {{ auto: "Auto", dark: "Dark", light: "Light" }[chosen]}
    </button>
  );
}
