// How much room there is, for what CSS cannot say: rows that come out even.

import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** Width of an element in rem, known before it is first painted. */
export function useWidth(of: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = of.current;
    if (element === null) return undefined;
    const measure = () => setWidth(element.clientWidth / parseFloat(getComputedStyle(document.documentElement).fontSize));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [of]);
  return width;
}

/** How many of `count` stand in a row, none narrower than `least`: no more than are needed for as few rows. */
export function inARow(count: number, width: number, least: number): number {
  const most = Math.max(1, Math.floor(width / least));
  return Math.ceil(count / Math.ceil(count / most));
}
