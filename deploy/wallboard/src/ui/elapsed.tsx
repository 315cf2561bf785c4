import { Component, createRef } from "preact";
import type { Node } from "../center";
import { elapsed, shortly } from "../format";

const running = new Set<Elapsed>();
const places = new WeakMap<Element, Elapsed>();

/** Only what can be seen ticks: of five hundred agents, most stand below the edge of the screen. */
const eyes = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const each = places.get(target);
    if (each && isIntersecting) {
      running.add(each);
      each.show();
    } else if (each) running.delete(each);
  }
});

/** Bring all to the present: done together with a drawing, so that the browser lays the page out once. */
export function tick(): void {
  for (const each of running) each.show();
}

interface Props {
  node: Node;
  since: number; // milliseconds since the epoch by the gateway's clock
  short?: boolean;
}

/** How long something lasts, ticking without being rendered anew. It stands still while the picture is not current. */
export class Elapsed extends Component<Props> {
  private readonly place = createRef<HTMLSpanElement>();
  private shown = "";

  override shouldComponentUpdate(next: Props): boolean {
    return next.since !== this.props.since || next.node !== this.props.node;
  }

  override componentDidMount(): void {
    this.show();
    if (this.place.current === null) return;
    places.set(this.place.current, this);
    eyes.observe(this.place.current);
  }

  override componentDidUpdate(): void {
    this.show();
  }

  override componentWillUnmount(): void {
    running.delete(this);
    if (this.place.current !== null) eyes.unobserve(this.place.current);
  }

  show(): void {
    const { node, since, short } = this.props;
    const text = (short ? shortly : elapsed)(node.now(Date.now()) - since);
    if (text === this.shown || this.place.current === null) return;
    this.shown = text;
    this.place.current.textContent = text;
  }

  override render() {
    return <span class="time" ref={this.place} />;
  }
}
