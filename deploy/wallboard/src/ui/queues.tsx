import { isCalm, type Line } from "../queues";
import { CalmQueue, QueueCard } from "./queuecard";

const FEW = 5; // queues that all have room for a whole card
const MOST_COLUMNS = { roomy: 5, plain: 6, dense: 8 };

interface Props {
  lines: Line[];
  nodeShown: boolean;
  onOpen: (key: string) => void;
}

/** Queues, those that need eyes first; where there are many, those that need none are told in a line each. */
export function Queues({ lines, nodeShown, onOpen }: Props) {
  const whole = lines.length > FEW ? lines.filter((line) => !isCalm(line)) : lines;
  const calm = lines.length > FEW ? lines.filter(isCalm) : [];
  const density = whole.length > 24 ? "dense" : whole.length > FEW ? "plain" : "roomy";
  const columns = Math.ceil(whole.length / Math.max(1, Math.ceil(whole.length / MOST_COLUMNS[density])));
  const shared = { nodeShown, onOpen };
  return (
    <section class="queues" aria-labelledby="queues">
      <h2 id="queues" class="hidden">
        Queues
      </h2>
      {whole.length > 0 && (
        <ul class={density} style={{ "--columns": Math.max(columns, lines.length > FEW ? 4 : 1) }}>
          {whole.map((line) => (
            <QueueCard key={line.key} line={line} {...shared} />
          ))}
        </ul>
      )}
      {calm.length > 0 && (
        <ul class="calms" aria-label="Queues in which nobody waits">
          {calm.map((line) => (
            <CalmQueue key={line.key} line={line} {...shared} />
          ))}
        </ul>
      )}
    </section>
  );
}
