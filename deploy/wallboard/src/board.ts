// The program behind the page: connection and center, and the beat at which the page is drawn anew.

import { Center } from "./center";
import { Link } from "./link";
import { People } from "./people";
import { type Credentials, keepSignedIn, rememberBroker, type Settings, signedIn } from "./settings";
import { furtherFilters } from "./topics";

// Milliseconds at least between two drawings. To lay out and paint some hundred tiles costs more than to read the messages, so
// that where much changes, more of it is drawn at once; still within the second.
const BEAT = 250;
const BUSY_BEAT = 800;
const BUSY = 5; // messages since the last drawing

export class Board {
  readonly center: Center;
  readonly people: People;
  readonly link: Link;
  broker: string;
  /** Whether all that is retained has been told since the connection was made. */
  settled = false;
  onDraw: () => void = () => undefined;
  private due: ReturnType<typeof setTimeout> | undefined;
  private drawn = 0;
  private beat = BEAT;
  private arrived = 0;

  constructor(readonly settings: Settings) {
    const { prefix } = settings;
    this.broker = settings.broker;
    this.center = new Center(prefix);
    this.people = new People(this.center, prefix);
    this.link = new Link(prefix, settings.node, {
      message: (topic, payload, replayed) => {
        this.center.receive(topic, payload, replayed, Date.now());
        this.arrived += 1;
        this.draw();
      },
      connected: () => {
        this.settled = false;
        this.center.connect(Date.now());
      },
      settled: () => {
        this.settled = true;
        this.center.confirm(Date.now());
        this.draw();
      },
      lost: () => this.center.disconnect(Date.now()),
      changed: () => this.draw(),
    });
  }

  /** Whether a person is signed in, who may give commands and sees who calls. */
  get supervised(): boolean {
    return this.link.credentials?.person === true && this.link.state.kind === "open";
  }

  /** Connect as who signed in in this tab, as the display's user, or as nobody. */
  start(): void {
    this.link.open(this.broker, signedIn() ?? this.settings.display ?? { username: null, password: null, person: false });
  }

  signIn(broker: string, credentials: Credentials): void {
    this.broker = broker;
    if (broker !== this.settings.broker) rememberBroker(broker);
    keepSignedIn(credentials);
    this.link.open(broker, credentials);
  }

  signOut(): void {
    keepSignedIn(null);
    this.start();
  }

  /** Have the page drawn soon. */
  draw(): void {
    if (this.due !== undefined) return;
    this.due = setTimeout(
      () => {
        this.due = undefined;
        this.drawn = Date.now();
        this.beat = this.arrived > BUSY ? BUSY_BEAT : BEAT;
        this.arrived = 0;
        this.center.takeIn();
        this.follow();
        this.onDraw();
      },
      Math.max(0, this.drawn + this.beat - Date.now()),
    );
  }

  /** Read all of each Asterisk and queue that is known by now. */
  private follow(): void {
    if (this.link.state.kind !== "open") return;
    for (const node of this.center.nodes.values()) {
      this.link.want(furtherFilters(this.settings.prefix, node.level, node.queues.keys()));
    }
  }
}
