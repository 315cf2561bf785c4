// Shapes beside the words, so that no colour tells anything alone. They are decoration to a screen reader.

import type { ComponentChildren } from "preact";
import type { Column } from "../people";
import type { Need } from "../queues";

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const CHECK = <path d="M5 13l5 5L19 7" class="line" />;
const PHONE = (
  <path d="M6 3l4 1 1 5-3 2a13 13 0 0 0 5 5l2-3 5 1 1 4-3 3C10 20 4 13 3 6z" />
);
const PENCIL = <path d="M4 20l1-5L16 4l4 4L9 19zM14 6l4 4" class="line" />;
const PAUSE = <path d="M6 4h4v16H6zM14 4h4v16h-4z" />;
const ALARM = <path d="M12 2l11 20H1zM12 9v6M12 18v1.5" class="cut" />;
const GLASS = <path d="M6 2h12v5l-4 5 4 5v5H6v-5l4-5-4-5z" />;
const EMPTY = <path d="M5 12h14" class="line" />;
const HALF = (
  <>
    <path d="M12 4a8 8 0 1 0 0 16a8 8 0 0 0 0-16z" class="thin" />
    <path d="M12 4a8 8 0 0 1 0 16z" />
  </>
);
const CROSS = <path d="M5 5l14 14M19 5L5 19" class="line" />;

export function ColumnIcon({ column }: { column: Column }) {
  return <Icon>{{ call: PHONE, wrapup: PENCIL, ready: CHECK, away: PAUSE }[column]}</Icon>;
}

export function NeedIcon({ need }: { need: Need }) {
  return <Icon>{{ nobody: CROSS, late: ALARM, waiting: GLASS, clear: CHECK, unstaffed: EMPTY }[need]}</Icon>;
}

export function ContrastIcon() {
  return <Icon>{HALF}</Icon>;
}

export function AlarmIcon() {
  return <Icon>{ALARM}</Icon>;
}
