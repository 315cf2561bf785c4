// Figures as people read them from afar.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const whole = new Intl.NumberFormat();

/** Milliseconds as `0:07`, `12:30`, `1:02:03`; nothing is below zero. */
export function elapsed(milliseconds: number): string {
  const all = Math.max(0, Math.floor(milliseconds / 1000));
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (figure: number) => String(figure).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** Likewise where there is little room: `0:07`, `12:30`, `1h 02`, `34h`, `6d`. */
export function shortly(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000);
  const hours = Math.floor(minutes / 60);
  if (hours < 1) return elapsed(milliseconds);
  if (hours < 10) return `${hours}h ${String(minutes % 60).padStart(2, "0")}`;
  return hours < 100 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}

/** Seconds of the contract, likewise. */
export const duration = (seconds: number) => elapsed(Math.round(seconds) * 1000);

/** A time of day, to the minute. */
export const timeOfDay = (at: number) => clock.format(at);

/** A service level, or a dash where nobody was answered yet. */
export const percent = (part: number, whole: number) => (whole > 0 ? `${Math.round((100 * part) / whole)} %` : "–");

/** `12,345`, as the reader's language has it. */
export const figure = (count: number) => whole.format(count);

/** `1 call`, `2 calls`. */
export const counted = (count: number, thing: string) => `${figure(count)} ${thing}${count === 1 ? "" : "s"}`;

/** Over what figures are counted: a whole day is the local day. */
export function period(seconds: number): string {
  if (seconds >= 23 * 3600 && seconds <= 25 * 3600) return "today";
  if (seconds % 3600 === 0) return seconds === 3600 ? "this hour" : `in ${seconds / 3600} hours`;
  return seconds % 60 === 0 ? `in ${seconds / 60} minutes` : `in ${seconds} seconds`;
}
