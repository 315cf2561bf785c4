// The connection to the broker: made again whenever it is lost, anew each time, so that no command waits in it for later.

import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";
import type { Answer } from "./payloads";
import type { Credentials } from "./settings";
import { answerFilters, firstFilters } from "./topics";

// Each message of the board is a whole state, and the next one mends what a lost one left: an acknowledgement of each would
// double the work of a page that is told two hundred a second. By default Mosquitto keeps a thousand messages for a client and
// drops the rest unsaid, so that what is retained of a large center is asked for in portions, one after another.
const BOARD_QOS = 0;
const PORTION = 5; // filters
const QUIET = 1500; // milliseconds without a retained message after which all of them have come
const ANSWER_WITHIN = 8_000; // milliseconds; the gateway itself says TIMEOUT sooner
const COMMAND_EXPIRES = 10; // seconds that the broker may keep a command for a gateway that is away
const FIRST_PAUSE = 500; // milliseconds before the second attempt to connect
const LONGEST_PAUSE = 10_000;
const PAUSE_AFTER_REFUSAL = 30_000;
const REFUSED = new Set([4, 5, 0x86, 0x87]); // CONNACK: user name or password, not authorised; 3.1.1's and 5's
const NOT_AUTHORISED = 0x87;

export interface LinkState {
  kind: "idle" | "connecting" | "open" | "refused";
  words: string; // what went wrong
  lostAt: number | null; // when a connection was last lost; null before the first
}

export interface LinkEvents {
  message(topic: string, payload: string, replayed: boolean): void;
  connected(): void;
  settled(): void; // all that is retained has come
  lost(): void;
  changed(): void; // the state
}

/** A command that got no answer, with the words to show. */
export class CommandError extends Error {}

export class Link {
  state: LinkState = { kind: "idle", words: "", lostAt: null };
  credentials: Credentials | null = null;
  private client: MqttClient | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private quiet: ReturnType<typeof setTimeout> | undefined;
  private attempts = 0;
  private wanted: string[] = [];
  private asked = new Set<string>();
  private asking = false;
  private readonly waiting = new Map<string, (answer: Answer) => void>();

  constructor(
    private readonly prefix: string,
    private readonly node: string,
    private readonly events: LinkEvents,
  ) {}

  /** Connect to `url` as somebody; a connection there is is ended first. */
  open(url: string, credentials: Credentials): void {
    this.close();
    this.credentials = credentials;
    this.attempts = 0;
    this.connect(url, credentials);
  }

  /** End it, and do not try again. */
  close(): void {
    clearTimeout(this.timer);
    this.drop();
    this.become("idle", "");
  }

  /** Subscribe to these too, in their order, if that has not been done on this connection. */
  want(filters: string[]): void {
    const news = filters.filter((filter) => !this.asked.has(filter));
    if (news.length === 0) return;
    for (const filter of news) this.asked.add(filter);
    this.wanted.push(...news);
    if (this.client !== null && !this.asking) void this.subscribe(this.client);
  }

  /** Publish a command and return its answer; raises CommandError where there is none. */
  async ask(topic: string, command: Record<string, unknown>): Promise<Answer> {
    const { client } = this;
    if (client === null || this.state.kind !== "open") throw new CommandError("There is no connection to the broker.");
    const id = crypto.randomUUID?.() ?? fallbackId();
    const answered = new Promise<Answer>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new CommandError("No answer came. Whether it was done, the board will show."));
      }, ANSWER_WITHIN);
      this.waiting.set(id, (answer) => {
        clearTimeout(timer);
        this.waiting.delete(id);
        resolve(answer);
      });
    });
    answered.catch(() => undefined); // the refusal below may come first
    try {
      await client.publishAsync(topic, JSON.stringify({ ...command, id }), {
        qos: 1,
        properties: {
          responseTopic: `${topic}/response`,
          correlationData: new TextEncoder().encode(id) as never, // typed as Node's Buffer, which is one of these
          messageExpiryInterval: COMMAND_EXPIRES,
        },
      });
    } catch (error) {
      this.waiting.delete(id);
      throw new CommandError(this.refusal(error));
    }
    return answered;
  }

  private refusal(error: unknown): string {
    const who = this.credentials?.username;
    return codeOf(error) === NOT_AUTHORISED
      ? `The broker does not let ${who ? `“${who}”` : "a user without a name"} give this command.`
      : `The broker did not take it: ${textOf(error)}.`;
  }

  private connect(url: string, credentials: Credentials): void {
    this.attempts += 1;
    if (this.state.kind !== "refused") this.become("connecting", this.state.words);
    const options: IClientOptions = {
      protocolVersion: 5,
      clean: true,
      reconnectPeriod: 0,
      connectTimeout: 10_000,
      keepalive: 15,
      clientId: `wallboard-${Math.random().toString(36).slice(2, 12)}`,
      ...(credentials.username ? { username: credentials.username } : {}),
      ...(credentials.username && credentials.password !== null ? { password: credentials.password } : {}),
    };
    let client: MqttClient;
    try {
      client = mqtt.connect(url, options);
    } catch (error) {
      this.become("refused", `The broker's address “${url}” cannot be used: ${textOf(error)}.`);
      return;
    }
    this.client = client;
    let wrong = `The broker at ${url} does not answer; trying again.`;
    let refused = false;
    client.on("connect", () => {
      wrong = "";
      void this.begin(client, credentials);
    });
    client.on("message", (topic, payload, packet) => this.receive(topic, payload.toString(), packet));
    client.on("error", (error) => {
      refused ||= REFUSED.has(codeOf(error));
      if (refused) wrong = refusedWords(credentials);
    });
    client.on("close", () => {
      if (this.client !== client) return; // ended by us
      this.drop();
      this.become(refused ? "refused" : "connecting", wrong);
      if (refused && credentials.person) return; // to try it again and again would lock people out
      const pause = refused ? PAUSE_AFTER_REFUSAL : Math.min(FIRST_PAUSE * 2 ** Math.min(this.attempts - 1, 10), LONGEST_PAUSE);
      this.timer = setTimeout(() => this.connect(url, credentials), pause * (0.75 + Math.random() / 2));
    });
  }

  private async begin(client: MqttClient, credentials: Credentials): Promise<void> {
    this.attempts = 0;
    this.become("open", "");
    this.events.connected();
    this.rest();
    try {
      if (credentials.person) await client.subscribeAsync(answerFilters(this.prefix, this.node), { qos: 1 });
    } catch (error) {
      this.unreadable(client, error);
      return;
    }
    this.want(firstFilters(this.prefix, this.node));
  }

  private async subscribe(client: MqttClient): Promise<void> {
    this.asking = true;
    try {
      while (this.client === client && this.wanted.length > 0) {
        await client.subscribeAsync(this.wanted.splice(0, PORTION), { qos: BOARD_QOS });
      }
    } catch (error) {
      this.unreadable(client, error);
    }
    if (this.client !== client) return; // another connection asks anew
    this.asking = false;
    this.rest();
  }

  private unreadable(client: MqttClient, error: unknown): void {
    if (this.client !== client || !client.connected) return; // lost meanwhile: told by close
    const username = this.credentials?.username;
    this.drop();
    const who = username ? `“${username}”` : "a user without a name";
    this.become("refused", `The broker does not let ${who} read ${this.prefix}/# (${textOf(error)}).`);
  }

  private receive(topic: string, payload: string, packet: IPublishPacket): void {
    if (topic.endsWith("/response")) {
      this.answer(payload, packet);
      return;
    }
    if (packet.retain) this.rest();
    this.events.message(topic, payload, packet.retain);
  }

  private answer(payload: string, packet: IPublishPacket): void {
    const data = packet.properties?.correlationData;
    const resolve = data ? this.waiting.get(new TextDecoder().decode(data)) : undefined;
    if (resolve) resolve(JSON.parse(payload) as Answer);
  }

  private rest(): void {
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => (this.asking ? this.rest() : this.events.settled()), QUIET);
  }

  private drop(): void {
    const { client } = this;
    this.client = null;
    this.wanted = [];
    this.asked = new Set();
    this.asking = false;
    clearTimeout(this.quiet);
    if (client === null) return;
    client.end(true);
    if (this.state.kind === "open") {
      this.state = { ...this.state, kind: "connecting", lostAt: Date.now() };
      this.events.lost();
    }
  }

  private become(kind: LinkState["kind"], words: string): void {
    this.state = { kind, words, lostAt: kind === "open" || kind === "idle" ? null : this.state.lostAt };
    this.events.changed();
  }
}

function refusedWords({ username }: Credentials): string {
  return username ? `The broker refuses “${username}” or the password.` : "The broker wants a user and a password.";
}

function codeOf(error: unknown): number {
  const code: unknown = typeof error === "object" && error !== null && "code" in error ? error.code : null;
  return typeof code === "number" ? code : 0;
}

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");

/** Away from https and localhost browsers have no randomUUID. */
function fallbackId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
