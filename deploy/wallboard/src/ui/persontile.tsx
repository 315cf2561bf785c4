import { Component } from "preact";
import { counted, duration } from "../format";
import type { Person } from "../people";
import { Elapsed } from "./elapsed";

interface Props {
  person: Person;
  nodeShown: boolean;
  stale: boolean;
  onOpen: (key: string) => void;
}

/** One agent. A person is never changed but replaced, so that the tiles of all others need not be looked at. */
export class PersonTile extends Component<Props> {
  override shouldComponentUpdate(next: Props): boolean {
    const { person, nodeShown, stale } = this.props;
    return next.person !== person || next.nodeShown !== nodeShown || next.stale !== stale;
  }

  override render({ person, nodeShown, stale, onOpen }: Props) {
    const { agent, node } = person;
    return (
      <li class={`person in-${person.column}${stale ? " stale" : ""}`}>
        <button type="button" class="cover who" dir="auto" onClick={() => onOpen(person.key)}>
          {person.name}
        </button>
        <span class="lasting">
          <Elapsed node={node} since={person.since} short />
        </span>
        <span class="about" dir="auto">
          {person.about}
          {nodeShown && <small> {node.name}</small>}
        </span>
        {agent && (
          <span class="sums">
            {counted(agent.number_of_acd_calls, "call")}
            {agent.number_of_acd_calls > 0 && ` · talk ${duration(agent.total_acd_talk_time / agent.number_of_acd_calls)}`}
          </span>
        )}
      </li>
    );
  }
}
