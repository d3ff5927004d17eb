import { FAILS, FAILS_EDGE, INK, LOST, PAPER, WAITED } from './style.ts';

const SWATCH = { x: -28, y: -6, width: 28, height: 12 };
const LEGEND_ITEMS = [
  { x: 40, text: 'written at once', type: 'circle', shape: { r: 3 }, style: { fill: PAPER, stroke: INK } },
  {
    x: 200,
    text: 'waited for so long, then written',
    type: 'rect',
    shape: SWATCH,
    style: { fill: WAITED, stroke: WAITED },
  },
  {
    x: 460,
    text: 'waited for so long, then lost',
    type: 'rect',
    shape: SWATCH,
    style: { fill: PAPER, stroke: LOST, lineWidth: 1.5 },
  },
  {
    x: 672,
    text: 'lost',
    type: 'text',
    style: { text: '×', fontSize: 20, fontFamily: 'sans-serif', fontWeight: 'bold', fill: LOST },
  },
  {
    x: 770,
    text: 'the storage fails over',
    type: 'rect',
    shape: SWATCH,
    style: { fill: FAILS, stroke: FAILS_EDGE, lineDash: [3, 3] },
  },
] as const;

/** What the shapes mean, in a row at the bottom of a picture of that height. */
export function legend(height: number): readonly Record<string, unknown>[] {
  const y = height - 28;
  return LEGEND_ITEMS.flatMap(({ x, text, ...mark }) => [
    {
      ...mark,
      x,
      y: mark.type === 'text' ? y + 4 : y,
      silent: true,
      ...(mark.type === 'text' ? { style: middle(mark.style, 'right') } : {}),
    },
    {
      type: 'text',
      x: x + 10,
      y: y + 4,
      silent: true,
      style: middle({ text, fontSize: 12, fontFamily: 'sans-serif', fill: INK }, 'left'),
    },
  ]);
}

function middle(style: object, align: 'left' | 'right'): object {
  return { ...style, align, verticalAlign: 'middle' };
}
