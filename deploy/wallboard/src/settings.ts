// Where the broker is and what of it is shown: from config.json beside the page, from the address bar, or from what a person
// typed the last time. A password is never in the address, and is kept only for as long as the tab is open.

export type Theme = "auto" | "dark" | "light";

/** Who logs in to the broker; a person may give commands, the display's own user only looks. */
export interface Credentials {
  username: string | null;
  password: string | null;
  person: boolean;
}

export interface Settings {
  title: string;
  broker: string;
  prefix: string;
  node: string; // a level, or "+" for every Asterisk below the prefix
  queue: string | null; // show this queue and its agents alone
  show: "all" | "queues" | "agents";
  display: Credentials | null; // what config.json lets the display log in with
}

const SIGNED_IN = "cti-wallboard.signed-in";
const BROKER = "cti-wallboard.broker";
const THEME = "cti-wallboard.theme";

export async function loadSettings(): Promise<Settings> {
  const file = await readFile();
  const query = new URLSearchParams(location.search);
  const text = (name: string) => query.get(name) || asText(file[name]);
  const username = asText(file["username"]);
  const show = query.get("show");
  return {
    title: text("title") ?? "Call center",
    broker: text("broker") ?? localStorage.getItem(BROKER) ?? guessedBroker(),
    prefix: text("prefix") ?? "cti",
    node: text("node") ?? "+",
    queue: query.get("queue"),
    show: show === "queues" || show === "agents" ? show : "all",
    display: username === null ? null : { username, password: asText(file["password"]), person: false },
  };
}

async function readFile(): Promise<Record<string, unknown>> {
  try {
    const answer = await fetch("config.json", { cache: "no-cache" });
    const read: unknown = answer.ok ? await answer.json() : {};
    return typeof read === "object" && read !== null ? (read as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const asText = (value: unknown) => (typeof value === "string" && value ? value : null);

/** Where brokers usually are: port 9001 of the same host; behind a TLS proxy, the path /mqtt of the same host. */
function guessedBroker(): string {
  return location.protocol === "https:" ? `wss://${location.host}/mqtt` : `ws://${location.hostname || "localhost"}:9001`;
}

export function rememberBroker(url: string): void {
  localStorage.setItem(BROKER, url);
}

/** Who signed in in this tab. */
export function signedIn(): Credentials | null {
  const kept = sessionStorage.getItem(SIGNED_IN);
  return kept === null ? null : (JSON.parse(kept) as Credentials);
}

export function keepSignedIn(credentials: Credentials | null): void {
  if (credentials === null) sessionStorage.removeItem(SIGNED_IN);
  else sessionStorage.setItem(SIGNED_IN, JSON.stringify(credentials));
}

export function theme(): Theme {
  const kept = localStorage.getItem(THEME);
  return kept === "dark" || kept === "light" ? kept : "auto";
}

export function setTheme(chosen: Theme): void {
  localStorage.setItem(THEME, chosen);
  document.documentElement.dataset["theme"] = chosen;
}
