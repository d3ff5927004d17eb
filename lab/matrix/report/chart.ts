import { CustomChart, ScatterChart } from 'echarts/charts';
import { GraphicComponent, GridComponent, TitleComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { TrialRecord } from '../../trial/record.ts';
import { lostOf } from '../contrast.ts';
import { type Pair, pairName } from '../rows.ts';
import { legend } from './legend.ts';
import { CROSS, FAILS, FAILS_EDGE, FAINT, INK, LOST, PAPER, WAITED } from './style.ts';
import { describeSvg } from './svg.ts';

use([CustomChart, ScatterChart, GraphicComponent, GridComponent, TitleComponent, SVGRenderer]);

/** The two trials of a pair; a driver without a record has an empty lane. */
export interface Panel {
  readonly pair: Pair;
  readonly affected: TrialRecord | undefined;
  readonly patched: TrialRecord | undefined;
}

/** A write that took longer is drawn as a bar of that length. */
const AT_ONCE_SECONDS = 2;

const WIDTH = 1080;
const TOP = 64;
const LEGEND = 56;
const PANEL = 168;
const COLUMNS = 2;
const MARGIN = { left: 150, right: 26, top: 34, bottom: 36 };
/** From the top: the lanes of a panel. */
const LANES = ['patched', 'affected'] as const;

/** A kernel's picture: writes over time with both drivers, as one SVG without references to anything. */
export function drawKernel(title: string, panels: readonly Panel[]): string {
  const rows = Math.ceil(panels.length / COLUMNS);
  const height = TOP + rows * PANEL + LEGEND;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  try {
    chart.setOption(options(title, panels, height));
    return describeSvg(chart.renderToSVGString(), title, panels.map(inWords).join(' '));
  } finally {
    chart.dispose();
  }
}

function options(title: string, panels: readonly Panel[], height: number): EChartsCoreOption {
  const places = panels.map((_, index) => place(index));
  return {
    animation: false,
    backgroundColor: PAPER,
    textStyle: { fontFamily: 'sans-serif', color: INK },
    title: [
      { text: title, left: 16, top: 12, textStyle: { fontSize: 17, color: INK } },
      ...panels.map(({ pair }, index) => ({
        text: panelTitle(pair),
        left: places[index]?.left,
        top: (places[index]?.top ?? 0) - 28,
        padding: 0,
        textStyle: { fontSize: 13, color: INK },
      })),
    ],
    grid: places.map(({ left, top }) => ({
      left,
      top,
      width: WIDTH / COLUMNS - MARGIN.left - MARGIN.right,
      height: PANEL - MARGIN.top - MARGIN.bottom,
    })),
    xAxis: panels.map((panel, index) => timeAxis(panel, index)),
    yAxis: panels.map((panel, index) => laneAxis(panel, index)),
    series: panels.flatMap((panel, index) => series(panel, index)),
    graphic: legend(height),
  };
}

function place(index: number): { readonly left: number; readonly top: number } {
  const column = index % COLUMNS;
  const row = Math.floor(index / COLUMNS);
  return { left: (WIDTH / COLUMNS) * column + MARGIN.left, top: TOP + row * PANEL + MARGIN.top };
}

function panelTitle({ fileSystem, failure, seconds }: Pair): string {
  return `${failure === 'busy' ? 'BUSY' : failure} for ${seconds} s, ${fileSystem}`;
}

function timeAxis({ affected, patched }: Panel, index: number): Record<string, unknown> {
  const ends = [affected, patched].flatMap((record) =>
    record === undefined ? [] : [record.ended, ...record.writes.map(({ at, seconds }) => at + seconds)],
  );
  return {
    gridIndex: index,
    type: 'value',
    min: 0,
    max: Math.ceil(Math.max(1, ...ends) + 1),
    name: 'seconds',
    nameLocation: 'middle',
    nameGap: 20,
    nameTextStyle: { fontSize: 11, color: FAINT },
    axisLabel: { fontSize: 11, color: INK, showMaxLabel: false },
    axisLine: { show: true, lineStyle: { color: FAINT } },
    axisTick: { show: true, lineStyle: { color: FAINT } },
    splitLine: { show: false },
  };
}

function laneAxis(panel: Panel, index: number): Record<string, unknown> {
  return {
    gridIndex: index,
    type: 'category',
    data: LANES.map((driver) => `${driver}\n${inShort(panel[driver])}`),
    axisLabel: { fontSize: 12, color: INK, lineHeight: 16, interval: 0 },
    axisLine: { lineStyle: { color: FAINT } },
    axisTick: { show: false },
    splitLine: { show: true, lineStyle: { color: '#dddddd' } },
  };
}

/** What a lane says beside its shapes. */
function inShort(record: TrialRecord | undefined): string {
  if (record === undefined) return 'not run';
  const lost = lostOf(record);
  return lost === 0 ? `all ${record.writes.length} written` : `${lost} of ${record.writes.length} lost`;
}

function series(panel: Panel, index: number): readonly Record<string, unknown>[] {
  // A picture in a page answers no mouse.
  const common = { xAxisIndex: index, yAxisIndex: index, silent: true, emphasis: { disabled: true } };
  const writes = LANES.flatMap((driver, lane) =>
    (panel[driver]?.writes ?? []).map((write) => ({ ...write, lane, end: write.at + write.seconds })),
  );
  const waited = writes.filter(({ seconds }) => seconds >= AT_ONCE_SECONDS);
  return [
    {
      ...common,
      type: 'custom',
      name: 'failure',
      data: LANES.flatMap((driver, lane) => {
        const record = panel[driver];
        return record === undefined ? [] : [[record.began, lane, record.ended]];
      }),
      renderItem: drawFailure,
      z: 1,
    },
    {
      ...common,
      type: 'custom',
      name: 'waited',
      data: waited.map(({ at, end, lane, ok }) => [at, lane, end, ok ? 1 : 0]),
      renderItem: drawBar,
      z: 3,
    },
    {
      ...common,
      type: 'scatter',
      name: 'written at once',
      symbol: 'circle',
      symbolSize: 6,
      itemStyle: { color: PAPER, borderColor: INK, borderWidth: 1.2, opacity: 1 },
      data: writes
        .filter(({ ok, seconds }) => ok && seconds < AT_ONCE_SECONDS)
        .map(({ at, lane }) => [at, lane]),
      z: 4,
    },
    {
      ...common,
      type: 'scatter',
      name: 'lost',
      symbol: CROSS,
      symbolSize: 9,
      itemStyle: { color: LOST, opacity: 1 },
      data: writes.filter(({ ok }) => !ok).map(({ end, lane }) => [end, lane]),
      z: 5,
    },
  ];
}

/** The part of echarts' interface for own shapes that these need. */
interface Drawing {
  readonly value: (dimension: number) => number;
  readonly coord: (point: readonly [number, number]) => readonly [number, number];
  readonly size: (of: readonly [number, number]) => readonly [number, number];
}

/** As long as the write took; hollow where it was lost in the end. */
function drawBar(_: unknown, { value, coord }: Drawing): Record<string, unknown> {
  const [from = 0, y = 0] = coord([value(0), value(1)]);
  const [to = 0] = coord([value(2), value(1)]);
  const isWritten = value(3) === 1;
  return {
    type: 'rect',
    shape: { x: from, y: y - 6, width: Math.max(to - from, 1), height: 12 },
    style: { fill: isWritten ? WAITED : PAPER, stroke: isWritten ? WAITED : LOST, lineWidth: 1.5 },
  };
}

/** Each lane has its own: in both trials the failure begins after the same write, but not at the same moment. */
function drawFailure(_: unknown, { value, coord, size }: Drawing): Record<string, unknown> {
  const [from = 0, y = 0] = coord([value(0), value(1)]);
  const [to = 0] = coord([value(2), value(1)]);
  const [, height = 0] = size([0, 1]);
  return {
    type: 'rect',
    shape: { x: from, y: y - height / 2, width: Math.max(to - from, 1), height },
    style: { fill: FAILS, stroke: FAILS_EDGE, lineWidth: 1, lineDash: [3, 3] },
  };
}

/** For who cannot see the picture. */
function inWords({ pair, affected, patched }: Panel): string {
  const word = (record: TrialRecord | undefined): string =>
    record === undefined
      ? 'not run'
      : `${inShort(record)}, longest write ${record.longestStall.toFixed(1)} s`;
  return `${pairName(pair)}: affected driver, ${word(affected)}; patched driver, ${word(patched)}.`;
}
