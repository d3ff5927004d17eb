import { type DiagnoseRequest, diagnose } from '../../src/diagnose/diagnose.ts';
import type { Diagnosis } from '../../src/diagnose/incident.ts';
import type { LogSource } from '../../src/diagnose/sources.ts';

/** A log with this text, as if it were a file of 2008. */
export function logOf(text: string | Uint8Array, name = 'log'): LogSource {
  const open = async function* (): AsyncGenerator<Uint8Array> {
    yield typeof text === 'string' ? Buffer.from(text) : text;
  };
  return { name, parts: [{ name, until: Date.parse('2008-12-31T00:00:00Z'), open }] };
}

/** What diagnose makes of texts, without a process for each; what the user named as files. */
export function diagnosed(
  texts: string | Uint8Array | readonly LogSource[],
  more: Partial<DiagnoseRequest> = {},
): Promise<Diagnosis> {
  const sources = typeof texts === 'string' || texts instanceof Uint8Array ? [logOf(texts)] : texts;
  return diagnose({
    ...{ sources, named: true, live: false, names: null, facts: {} },
    onProblem: () => {},
    ...more,
  });
}
