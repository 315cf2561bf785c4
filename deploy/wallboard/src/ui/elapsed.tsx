import { Component, createRef } from "preact";
import type { Node } from "../center";
import { elapsed } from "../format";

const running = new Set<Elapsed>();

/** Bring all to the present: done together with a drawing, so that the browser lays the page out once. */
export function tick(): void {
  for (const each of running) each.show();
}

interface Props {
  node: Node;
  since: number; // milliseconds since the epoch by the gateway's clock
}

/** How long something lasts, ticking without being rendered anew. It stands still while the picture is not current. */
export class Elapsed extends Component<Props> {
  private readonly place = createRef<HTMLSpanElement>();
  private shown = "";

  override shouldComponentUpdate(next: Props): boolean {
    return next.since !== this.props.since || next.node !== this.props.node;
  }

  override componentDidMount(): void {
    running.add(this);
    this.show();
  }

  override componentDidUpdate(): void {
    this.show();
  }

  override componentWillUnmount(): void {
    running.delete(this);
  }

  show(): void {
    const { node, since } = this.props;
    const text = elapsed(node.now(Date.now()) - since);
    if (text === this.shown || this.place.current === null) return;
    this.shown = text;
    this.place.current.textContent = text;
  }

  override render() {
    return <span class="time" ref={this.place} />;
  }
}
