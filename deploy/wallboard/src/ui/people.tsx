import { useRef } from "preact/hooks";
import type { Column, Person } from "../people";
import { COLUMN_NAMES, COLUMNS, inOrder } from "../people";
import { ColumnIcon } from "./icons";
import { PersonTile } from "./persontile";

interface Props {
  people: Person[];
  nodeShown: boolean;
  onOpen: (key: string) => void;
}

type Shares = Record<Column, number>;

const SIDE_BY_SIDE = 6; // tiles in a row, on a wall
const FEW = 20; // people who need no more room than a column each
const SLACK = 0.7; // of a tile

/** How wide each column is beside the others: as it is full. One agent more or less must not move all of them to and fro. */
function shares(by: Record<Column, Person[]>, before: Shares): Shares {
  const all = Math.max(FEW, COLUMNS.reduce((sum, column) => sum + by[column].length, 0));
  const share = (column: Column) => {
    const exact = Math.max(1, (SIDE_BY_SIDE * by[column].length) / all);
    return Math.abs(exact - before[column]) < SLACK ? before[column] : Math.round(exact);
  };
  return { call: share("call"), wrapup: share("wrapup"), away: share("away"), ready: share("ready") };
}

/** Agents by state; the more there are, the less room each has. */
export function PeopleColumns({ people, nodeShown, onOpen }: Props) {
  const density = people.length > 90 ? "dense" : people.length > 32 ? "plain" : "roomy";
  const by: Record<Column, Person[]> = { call: [], wrapup: [], away: [], ready: [] };
  for (const person of people) by[person.column].push(person);
  const share = useRef<Shares>({ call: 0, wrapup: 0, away: 0, ready: 0 });
  share.current = shares(by, share.current);
  return (
    <section class={`people ${density}`} aria-labelledby="agents">
      <h2 id="agents" class="hidden">
        Agents
      </h2>
      {COLUMNS.map((column) => (
        <section key={column} class={`column in-${column}`} aria-labelledby={`column-${column}`} style={{ "--share": share.current[column] }}>
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
