import type { Column, Person } from "../people";
import { COLUMN_NAMES, COLUMNS, inOrder } from "../people";
import { ColumnIcon } from "./icons";
import { PersonTile } from "./persontile";

interface Props {
  people: Person[];
  nodeShown: boolean;
  onOpen: (key: string) => void;
}

// Columns are as wide as they are full, in few steps: one agent more must not move all the others.
const share = (count: number) => 2 ** Math.max(0, Math.ceil(Math.log2((count + 1) / 8)));

/** Agents by state; the more there are, the less room each has. */
export function PeopleColumns({ people, nodeShown, onOpen }: Props) {
  const density = people.length > 90 ? "dense" : people.length > 32 ? "plain" : "roomy";
  const by: Record<Column, Person[]> = { call: [], wrapup: [], away: [], ready: [] };
  for (const person of people) by[person.column].push(person);
  return (
    <section class={`people ${density}`} aria-labelledby="agents">
      <h2 id="agents" class="hidden">
        Agents
      </h2>
      {COLUMNS.map((column) => (
        <section key={column} class={`column in-${column}`} aria-labelledby={`column-${column}`} style={{ "--share": share(by[column].length) }}>
          <h3 id={`column-${column}`}>
            <ColumnIcon column={column} />
            {COLUMN_NAMES[column]} <strong>{by[column].length}</strong>
          </h3>
          {by[column].length > 0 ? (
            <ul>
              {inOrder(by[column]).map((person) => (
                <PersonTile key={person.key} person={person} nodeShown={nodeShown} stale={!person.node.isCurrent} onOpen={onOpen} />
              ))}
            </ul>
          ) : (
            <p class="none">nobody</p>
          )}
        </section>
      ))}
    </section>
  );
}
