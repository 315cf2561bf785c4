// A wall's own clock may be wrong, and then every "since" would be. Messages that come as they are sent tell the clock of the
// gateway that sent them: the shortest way of some minutes is the best estimate of the difference.

const PERIOD = 300_000; // milliseconds of one of the two buckets

export class ServerTime {
  private begun = 0;
  private older = Infinity;
  private newer = Infinity;

  /** A message that says it is of `asOf` came at `at`, milliseconds since the epoch by the browser's clock. */
  observe(asOf: number, at: number): void {
    if (!Number.isFinite(asOf)) return;
    if (Math.abs(at - this.begun) > PERIOD) {
      this.begun = at;
      this.older = this.newer;
      this.newer = Infinity;
    }
    this.newer = Math.min(this.newer, at - asOf);
  }

  /** The gateway's time when the browser's clock shows `at`. */
  at(at: number): number {
    const ahead = Math.min(this.older, this.newer);
    return Number.isFinite(ahead) ? at - ahead : at;
  }
}
