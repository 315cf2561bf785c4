import { figure, period, percent } from "../format";
import { type Line, totals } from "../queues";
import { Elapsed } from "./elapsed";

/** All queues together, in the largest letters. */
export function Totals({ lines, ready, at }: { lines: Line[]; ready: number; at: number }) {
  const all = totals(lines, at);
  const seconds = new Set(lines.map(({ queue }) => queue.measurement_period.seconds));
  const over = seconds.size === 1 ? period([...seconds][0] ?? 0) : "in each queue's own time";
  return (
    <section class="totals" aria-labelledby="totals">
      <h2 id="totals" class="hidden">
        All queues
      </h2>
      <dl>
        <div class={all.waiting > 0 ? "some" : ""}>
          <dt>waiting</dt>
          <dd>{figure(all.waiting)}</dd>
        </div>
        <div class={all.longest ? "some" : ""}>
          <dt>longest wait</dt>
          <dd>{all.longest?.longestSince ? <Elapsed node={all.longest.node} since={all.longest.longestSince} short /> : "–"}</dd>
        </div>
        <div>
          <dt>agents ready</dt>
          <dd>{figure(ready)}</dd>
        </div>
        <div>
          <dt>in time {over}</dt>
          <dd>{percent(all.inTime, all.answered)}</dd>
        </div>
        <div>
          <dt>answered</dt>
          <dd>{figure(all.answered)}</dd>
        </div>
        <div>
          <dt>abandoned</dt>
          <dd>{figure(all.abandoned)}</dd>
        </div>
      </dl>
    </section>
  );
}
