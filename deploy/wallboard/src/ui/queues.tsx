import { useRef } from "preact/hooks";
import { isCalm, type Line } from "../queues";
import { CalmQueue, QueueCard } from "./queuecard";
import { inARow, useWidth } from "./width";

const FEW = 5; // queues that all have room for a whole card
const MANY = 10; // cards from which on each has to do with less
const LEAST = { single: 20, roomy: 14.5, plain: 13.75, dense: 11.75, calm: 13.2 }; // rem, with the gap

interface Props {
  lines: Line[];
  nodeShown: boolean;
  onOpen: (key: string) => void;
}

/** Queues, those that need eyes first; where there are many, those that need none are told in a line each. */
export function Queues({ lines, nodeShown, onOpen }: Props) {
  const place = useRef<HTMLElement>(null);
  const width = useWidth(place);
  const whole = lines.length > FEW ? lines.filter((line) => !isCalm(line)) : lines;
  const calm = lines.length > FEW ? lines.filter(isCalm) : [];
  const density = lines.length === 1 ? "single" : whole.length > MANY ? "dense" : lines.length > FEW ? "plain" : "roomy";
  // A card alone is no wider than beside others: what needs eyes is found where it was.
  const columns = inARow(Math.max(whole.length, lines.length > FEW ? 4 : 1), width, LEAST[density]);
  const shared = { nodeShown, onOpen };
  return (
    <section class="queues" aria-labelledby="queues" ref={place}>
      <h2 id="queues" class="hidden">
        Queues
      </h2>
      {whole.length > 0 && (
        <ul class={density} style={{ "--columns": columns }}>
          {whole.map((line) => (
            <QueueCard key={line.key} line={line} {...shared} />
          ))}
        </ul>
      )}
      {calm.length > 0 && (
        <ul class="calms" aria-label="Queues in which nobody waits" style={{ "--columns": inARow(calm.length, width, LEAST.calm) }}>
          {calm.map((line) => (
            <CalmQueue key={line.key} line={line} {...shared} />
          ))}
        </ul>
      )}
    </section>
  );
}
